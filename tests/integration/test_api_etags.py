"""Conditional reads: 304 for who has the answer, another tag after whatever changed it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from app.db.engine import create
from app.domain.kinds import Kind
from tests.integration.faces import Face, face, with_token
from tests.integration.seeded import START, Seed
from tests.integration.vaults import VAULT

UNTAGGED = {
    "/health", "/ready", "/metrics", "/v1/sessions", "/v1/people", "/v1/stream",
    "/v1/report-jobs/{id}/file", "/v1/reports/{name}", "/v1/scheduled-reports/{name}",
}  # fmt: skip
"""Files, and what is another answer each time; docs/api.md names them."""
PEOPLES = {"/v1/views", "/v1/session", "/v1/alert-mails"}
KNOWN = {
    "facility": "WLD-2016-A", "number": "1", "reason_hash": "0x" + "00" * 32, "id": "0" * 16,
}  # fmt: skip


@pytest.fixture
def seed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    engine = create(f"sqlite:///{tmp_path_factory.mktemp('etags') / 'bank.sqlite'}", vault=VAULT)
    made = Seed(engine)
    with engine.begin() as connection:
        made.pair(connection, 1, Kind.PRINCIPAL, "R-1", 10_000, "amount", day=START.date())
        made.close_block(connection)
    yield made
    engine.dispose()


@pytest.fixture
def node(seed: Seed) -> Iterator[Face]:
    with face(seed.engine) as served:
        yield served


def again(client: httpx.Client, answer: httpx.Response) -> httpx.Response:
    return client.get(answer.request.url, headers={"If-None-Match": answer.headers["etag"]})


def test_every_read_has_a_tag_by_which_nothing_is_sent_twice(node: Face) -> None:
    client, stranger = node.client("admin"), node.client(None)
    paths = client.get("/openapi.json").json()["paths"]
    tagged = 0
    for path, methods in paths.items():
        if "get" not in methods or path in UNTAGGED:
            continue
        assert "304" in methods["get"]["responses"], path
        params = {"facility": "WLD-2016-A", "from": "2026-03-02", "to": "2026-03-02"}
        needed = [one["name"] for one in methods["get"]["parameters"] if one["required"]]
        query = {name: params[name] for name in needed if name in params and "{" not in path}
        who = node.signed_in("officer") if path in PEOPLES else client
        answer = who.get(path.format_map(KNOWN), params=query)
        if answer.status_code == httpx.codes.NOT_FOUND:
            assert "etag" not in answer.headers, path
            continue
        assert answer.status_code == httpx.codes.OK, path
        unchanged = again(who, answer)
        assert (unchanged.status_code, unchanged.content) == (304, b""), path
        assert unchanged.headers["etag"] == answer.headers["etag"]
        # A tag opens nothing to who has no key, and is none for somebody else.
        assert again(stranger, answer).status_code == httpx.codes.UNAUTHORIZED, path
        tagged += 1
    assert tagged > 20


def test_a_new_block_changes_the_tags_of_the_view_alone(node: Face, seed: Seed) -> None:
    client = node.client("read")
    breaks, notes = client.get("/v1/breaks"), client.get("/v1/breaks/1/notes")
    other_query = client.get("/v1/breaks", params={"limit": 1})
    assert other_query.headers["etag"] != breaks.headers["etag"]
    with seed.engine.begin() as connection:
        seed.pair(connection, 1, Kind.PRINCIPAL, "R-2", 10_000, "amount", day=START.date())
        seed.close_block(connection)
    newer = again(client, breaks)
    assert newer.status_code == httpx.codes.OK and len(newer.json()["items"]) == 2
    assert again(client, notes).status_code == httpx.codes.NOT_MODIFIED
    for known in (f'"0", W/{newer.headers["etag"]}', "*"):
        asked = client.get("/v1/breaks", headers={"If-None-Match": known})
        assert asked.status_code == httpx.codes.NOT_MODIFIED, known


def test_what_people_do_changes_the_tags_of_what_it_is_about(node: Face) -> None:
    officer = with_token(node.signed_in("officer"))
    before = {path: officer.get(path) for path in ("/v1/breaks/1/notes", "/v1/worklist")}
    breaks = officer.get("/v1/breaks")
    said = officer.post("/v1/breaks/1/comments", json={"text": "asked them"})
    assert said.status_code == httpx.codes.CREATED
    for path, answer in before.items():
        newer = again(officer, answer)
        assert newer.status_code == httpx.codes.OK and newer.text != answer.text, path
    assert again(officer, breaks).status_code == httpx.codes.NOT_MODIFIED


def test_what_is_pushed_changes_the_balances(node: Face) -> None:
    client, feeder = node.client("read"), node.client("feeds")
    balances = client.get("/v1/balances")
    event = {
        "event_id": "E-1", "facility": "WLD-2016-A", "event_ref": "TU-1", "kind": "top_up",
        "amount": "5.00", "currency": "CNY", "value_date": "2026-03-02", "partner": "huarui",
        "booked_at": "2026-03-02T09:00:00+08:00",
    }  # fmt: skip
    pushed = feeder.post("/v1/facilities/WLD-2016-A/events", json=event)
    assert pushed.status_code == httpx.codes.CREATED
    newer = again(client, balances)
    assert newer.status_code == httpx.codes.OK
    assert newer.json()["pending"] == [{"facility": "WLD-2016-A", "waiting": 1, "dead_letters": 0}]
