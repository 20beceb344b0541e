"""Every page in Chinese: no English word is left but names, values and words of programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.audit.trail import Entry, append
from app.db.engine import create
from app.intake.cells import COLUMNS
from app.locale.words import AUDIT, AUDIT_SUBJECTS
from app.webhooks.endpoints import register
from app.webhooks.events import EVENT_TYPES
from tests.chinese import ShownTexts, english_in
from tests.integration.faces import Face, face, with_token
from tests.integration.seeded import Seed
from tests.integration.test_api_events import BULK, PATH, event
from tests.integration.vaults import VAULT

PAGES = {
    "officer": [
        "/", "/breaks", "/breaks/1", "/breaks/2", "/breaks/3", "/accounts/WLD-2016-A/huarui",
        "/legs", "/legs/1", "/days", "/days/close", "/holds", "/feeds", "/feeds/rows",
        "/feeds/rows/1", "/feeds/rows/2", "/acts", "/consortium", "/consortium/acts", "/forecast",
        "/forecast/WLD-2016-A/huarui", "/facilities", "/facilities/WLD-2016-A",
        "/facilities/WLD-2016-A/acts", "/new-facility", "/alerts", "/alerts/rules",
        "/alerts/mails", "/wall", "/reports", "/breaks/999", "/sessions",
    ],
    "administrator": [
        "/administration", "/administration/sessions", "/administration/keys",
        "/administration/requests", "/administration/webhooks", "/administration/audit",
        "/administration/audit?before=40", "/administration/audit?actor=nobody",
    ],
    "": ["/login", "/enrol"],
}  # fmt: skip
NAMES = {
    *COLUMNS, *EVENT_TYPES, "feeds", "read", "metrics", "admin", "csv", "xlsx", "pdf", "parquet",
    "json", "Webhook", "Webhooks", "CSV", "JSON", "Lines", "UTF", "REST", "OpenAPI", "API", "PDF",
    "SHA", "sha256", "utf-8", "UTF-8", "bank.toml", "mail", "xxxx-xxxx-xxxx-xxxx", "auditor",
    "test",
}  # fmt: skip
"""Columns of the feed, types of events, roles of keys, formats: what programs write as well; and
names that the test gives."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    """A node on which everything has happened that a page can tell of."""
    engine = create(f"sqlite:///{tmp_path_factory.mktemp('words') / 'bank.sqlite'}", vault=VAULT)
    Seed(engine).fill(60)
    with face(engine) as served:
        feeds = served.client("feeds")
        assert feeds.post(BULK, json=[event(1), event(2, amount="1,00")]).is_success
        assert feeds.post(PATH, json=event(3)).is_success
        assert feeds.post(PATH, json=event(4, kind="repayed")).status_code == 422
        officer = with_token(served.signed_in("officer"))
        numbers = [one["number"] for one in officer.get("/v1/breaks").json()["items"]]
        me = officer.get("/v1/session").json()["id"]
        for chosen in (numbers[:1], numbers[:3]):
            body = {"breaks": chosen, "assignee": me}
            assert officer.post("/v1/breaks:assign", json=body).is_success
        with engine.begin() as connection:
            register(connection, "http://127.0.0.1:9/", EVENT_TYPES, development=True)
            for entry in entries():
                append(connection, entry)
        yield served
    engine.dispose()


def entries() -> Iterator[Entry]:
    """A row for each act, and for each subject and detail of the acts that have words for them."""
    about = {"alert.rule": "low_balance"}
    for act in AUDIT:
        yield Entry("person:WLD-A", act, about.get(act, ""), details={"state": "signed"})
    for subject in AUDIT_SUBJECTS:
        yield Entry("nobody", "days.propose", re.sub(r"%\(\w+\)s", "7", subject))
    rule = {"enabled": True, "minutes": 5, "escalate_to": "approver"}
    yield Entry("key:0123456789ab", "alert.rule", "low_balance", details={"before": rule})
    yield Entry("node", "person.roles", "", details={"before": ["viewer"], "after": ["approver"]})
    yield Entry("provider", "administration.ask", "7", "refused", details={"act": "key.create"})


@pytest.mark.parametrize(
    ("role", "path"), [(role, path) for role, paths in PAGES.items() for path in paths]
)
def test_no_english_word_is_left(node: Face, role: str, path: str) -> None:
    client = node.signed_in(role) if role else node.client(None)
    answer = client.get(path, headers={"Accept-Language": "zh-CN"})
    assert answer.status_code in (200, 404)
    shown = ShownTexts()
    shown.feed(answer.text)
    shown.close()
    left: dict[str, Any] = {}
    for text in shown.words:
        if words := [one for one in english_in(text) if one not in NAMES]:
            left[text] = words
    assert left == {}
