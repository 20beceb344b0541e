"""People, sessions, keys, reports and rules of alerts by REST: the same rules as on the pages."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, select

from app.alerts.kinds import AlertKind
from app.intake.tables import events
from app.outbox.dead_letters import add_dead_letter
from app.report_jobs.files import ReportFiles
from app.report_jobs.making import ReportMaker
from tests.integration.faces import Face, face, with_token
from tests.integration.seeded import Seed

CODE = "000000"
"""That of development people."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return ReportFiles(tmp_path_factory.mktemp("reports"))


@pytest.fixture(scope="module")
def engine(seed: Seed) -> Engine:
    return seed.engine


@pytest.fixture(scope="module")
def node(engine: Engine, files: ReportFiles) -> Iterator[Face]:
    with face(engine, development=True, report_files=files) as served:
        yield served


class Somebody:
    """A person at work, by REST alone."""

    def __init__(self, node: Face, *roles: str) -> None:
        self.person = node.person(*roles, development=True)
        self.client = with_token(node.client_of(self.person))

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/v1/{path}", params=query)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/v1/{path}", json={"code": CODE} | body)


@pytest.fixture
def admin(node: Face) -> Somebody:
    return Somebody(node, "administrator")


class TestWhoMay:
    def test_only_administrators_with_their_sessions_token_change_people(
        self, node: Face, admin: Somebody
    ) -> None:
        officer, key = Somebody(node, "officer"), node.client("admin")
        id_ = officer.person.id
        for path, body in (
            ("people", {"name": "x.y", "display_name": "X", "roles": ["viewer"]}),
            (f"people/{id_}:roles", {"roles": ["viewer"]}),
            (f"people/{id_}:enrolment", {}),
            (f"people/{id_}:enable", {}),
            (f"people/{id_}:disable", {}),
            (f"people/{id_}:sign-out", {}),
            ("administration-requests/1:confirm", {}),
            ("administration-requests/1:refuse", {}),
            ("keys:ask", {"name": "x", "role": "read"}),
            (f"keys/{id_}:revoke", {}),
        ):
            assert officer.post(path, **body).status_code == 403, path
            # A key would be one administrator alone.
            assert key.post(f"/v1/{path}", json={"code": CODE, **body}).status_code == 401, path
            foreign = {"X-CSRF-Token": "0" * 64}
            answer = admin.client.post(f"/v1/{path}", json={"code": CODE, **body}, headers=foreign)
            assert answer.status_code == 403, path
        wrong = admin.post(f"people/{id_}:disable", code="111111")
        assert wrong.json()["type"].endswith(":second-factor")

    @pytest.mark.parametrize(
        ("path", "role", "status"),
        [
            ("people", "auditor", 403), ("people", "administrator", 200),
            ("sessions", "officer", 403), ("sessions", "administrator", 200),
            ("audit", "officer", 403), ("audit", "auditor", 200),
            ("report-jobs", "viewer", 403), ("report-jobs", "treasury", 200),
            ("balances", "viewer", 200), ("session", "viewer", 200),
        ],
    )  # fmt: skip
    def test_reads_by_role(self, node: Face, path: str, role: str, status: int) -> None:
        assert Somebody(node, role).get(path).status_code == status


class TestPeople:
    def test_who_is_signed_in_is_told_with_the_token_for_changes(self, node: Face) -> None:
        officer = Somebody(node, "officer")
        shown = officer.get("session").json()
        assert shown["name"] == officer.person.name
        assert shown["rights"] == ["view", "export", "work", "prepare"]
        assert shown["csrf"] == officer.client.headers["X-CSRF-Token"]

    def test_a_person_without_power_is_added_at_once(self, admin: Somebody) -> None:
        name = f"new.{token_hex(3)}"
        made = admin.post("people", name=name.upper(), display_name=name, roles=["auditor"])
        assert made.status_code == 201
        assert made.json()["waiting"] is None and len(made.json()["code"]) == 19
        listed = {one["name"]: one for one in admin.get("people").json()["items"]}
        assert (listed[name]["roles"], listed[name]["state"]) == (["auditor"], "invited")
        id_ = listed[name]["id"]
        assert admin.post(f"people/{id_}:disable").status_code == 204
        acts = [one["act"] for one in admin.get("audit").json()["items"] if one["subject"] == name]
        assert acts[-3:] == ["person.disable", "person.enrolment", "person.add"]

    def test_power_waits_for_another_administrator(self, node: Face, admin: Somebody) -> None:
        name = f"new.{token_hex(3)}"
        asked = admin.post("people", name=name, display_name=name, roles=["approver"])
        assert asked.status_code == 202
        number = asked.json()["waiting"]
        assert len(asked.json()["first_code"]) == 19
        shown = admin.get("administration-requests").json()["items"]
        assert {"number": number, "act": "person.add", "roles": ["approver"]}.items() <= next(
            one for one in shown if one["number"] == number
        ).items()
        himself = admin.post(f"administration-requests/{number}:confirm")
        assert himself.status_code == 422 and "himself" in himself.json()["detail"]
        other = Somebody(node, "administrator")
        confirmed = other.post(f"administration-requests/{number}:confirm")
        assert confirmed.status_code == 200 and confirmed.json()["second_code"]
        assert admin.post(f"administration-requests/{number}:refuse").status_code == 422

    def test_nobody_changes_himself(self, admin: Somebody) -> None:
        answer = admin.post(f"people/{admin.person.id}:roles", roles=["viewer"])
        assert answer.status_code == 422 and "himself" in answer.json()["detail"]

    def test_sessions_are_listed_and_ended(self, node: Face, admin: Somebody) -> None:
        viewer = Somebody(node, "viewer")
        found = [
            one["id"]
            for one in admin.get("sessions").json()["items"]
            if one["name"] == viewer.person.name
        ]
        assert admin.client.delete(f"/v1/sessions/{found[0]}").status_code == 204
        assert viewer.get("session").status_code == 401

    def test_a_key_that_writes_waits_one_that_reads_does_not(
        self, node: Face, admin: Somebody
    ) -> None:
        made = admin.post("keys:ask", name="reader", role="read")
        assert made.status_code == 201
        bearer = {"Authorization": f"Bearer {made.json()['key']}"}
        assert httpx.get(f"{node.url}/v1/balances", headers=bearer).status_code == 200
        id_ = made.json()["key"][3:15]
        assert admin.post(f"keys/{id_}:revoke").status_code == 204
        assert httpx.get(f"{node.url}/v1/balances", headers=bearer).status_code == 401
        assert admin.post(f"keys/{id_}:revoke").status_code == 404
        waits = admin.post("keys:ask", name=f"core {token_hex(3)}", role="feeds")
        assert waits.status_code == 202 and waits.json()["key"] is None


class TestReports:
    def test_one_is_asked_for_made_downloaded_and_deleted(
        self, node: Face, engine: Engine, files: ReportFiles
    ) -> None:
        treasury = Somebody(node, "treasury")
        asked = {
            "report": "reconciliation", "facility": "WLD-2016-A", "from": "2026-03-02",
            "to": "2026-03-02", "format": "csv",
        }  # fmt: skip
        job = treasury.client.post("/v1/report-jobs", json=asked).json()
        path = f"/v1/report-jobs/{job['id']}"
        assert job["state"] == "waiting" and job["from"] == "2026-03-02"
        assert treasury.client.get(f"{path}/file").status_code == 404
        assert treasury.client.post(f"{path}:again").status_code == 422
        ReportMaker(engine, files, 0).look()
        made = treasury.client.get(path).json()
        assert made["state"] == "made"
        file = treasury.client.get(f"{path}/file")
        assert len(file.content) == made["size_bytes"]
        trail = Somebody(node, "auditor").get("audit").json()["items"]
        assert next(one for one in trail if one["act"] == "export")["details"]["job"] == job["id"]
        assert treasury.client.delete(path).status_code == 204
        assert treasury.client.get(path).status_code == 404

    @pytest.mark.parametrize(
        ("change", "status"),
        [({"facility": "NONE"}, 422), ({"to": "2026-02-30"}, 422), ({"report": "x"}, 422)],
    )
    def test_what_cannot_be_made_is_refused(
        self, node: Face, change: dict[str, str], status: int
    ) -> None:
        asked = {
            "report": "limits", "facility": "WLD-2016-A", "from": "2026-03-02", "to": "2026-03-02"
        } | change  # fmt: skip
        answer = Somebody(node, "treasury").client.post("/v1/report-jobs", json=asked)
        assert answer.status_code == status, answer.text


def test_feeds_are_listed_and_what_could_not_be_posted_is_tried_again(node: Face) -> None:
    feeder = node.client("feeds")
    event = {
        "event_id": "E-1", "facility": "WLD-2016-A", "event_ref": "TU-1", "kind": "top_up",
        "amount": "5.00", "currency": "CNY", "value_date": "2026-03-02", "partner": "huarui",
        "booked_at": "2026-03-02T09:00:00+08:00",
    }  # fmt: skip
    feeder.post("/v1/facilities/WLD-2016-A/events:bulk", json=[event, event | {"amount": "x"}])
    feed = feeder.get("/v1/feeds").json()["items"][0]
    assert (feed["rows_in"], feed["accepted"], feed["quarantined"]) == (2, 1, 1)
    with node.engine.begin() as connection:
        add_dead_letter(connection, connection.execute(select(events.c.id)).scalars().one(), "full")
    officer, viewer = Somebody(node, "officer"), Somebody(node, "viewer")
    letters = viewer.get("dead-letters").json()["events"]
    assert [(one["event_id"], one["reason"]) for one in letters] == [("E-1", "full")]
    assert viewer.post("dead-letters:retry").status_code == 403
    assert officer.post("dead-letters:retry", event_id="E-1").json() == {"retried": 1}
    assert viewer.get("dead-letters").json() == {"events": [], "batches": []}
    trail = Somebody(node, "auditor").get("audit", actor=officer.person.actor).json()["items"]
    assert (trail[0]["act"], trail[0]["subject"]) == ("dead-letters.replay", "E-1")


class TestAlertRules:
    def test_a_rule_is_set_and_returned_to_its_default(self, node: Face) -> None:
        officer = Somebody(node, "officer")
        rule = {"minutes": 90, "escalate_minutes": 5, "escalate_to": "treasury"}
        changed = officer.client.put("/v1/alert-rules/overdue_break", json=rule)
        assert changed.status_code == 200 and changed.json()["minutes"] == 90
        listed = {one["kind"]: one for one in officer.get("alert-rules").json()["items"]}
        assert listed["overdue_break"]["escalate_to"] == "treasury"
        assert listed.keys() == set(AlertKind)
        default = officer.client.delete("/v1/alert-rules/overdue_break").json()
        assert (default["minutes"], default["escalate_to"]) == (0, "approver")
        assert officer.client.put("/v1/alert-rules/none", json=rule).status_code == 422
        wrong = officer.client.put("/v1/alert-rules/proof", json=rule | {"amounts": {"CNY": "1"}})
        assert wrong.status_code == 422 and "amounts" in wrong.json()["detail"]
        viewer = Somebody(node, "viewer")
        assert viewer.client.put("/v1/alert-rules/proof", json=rule).status_code == 403

    def test_mails_are_each_persons_own(self, node: Face) -> None:
        viewer = Somebody(node, "viewer")
        assert viewer.get("alert-mails").json() == {"mails": None, "domains": []}
        asked = {"address": "a@b.example", "kinds": ["proof"]}
        refused = viewer.client.put("/v1/alert-mails", json=asked)
        assert refused.status_code == 422 and "addresses of" in refused.json()["detail"]
        assert viewer.client.delete("/v1/alert-mails").json()["mails"] is None
