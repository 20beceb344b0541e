"""Acting through REST: two nodes of two banks, four people, one chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.audit.tables import audit_trail
from app.domain.kinds import Kind
from tests.integration.acting import ActingBank, Colleague, acting_bank
from tests.integration.posted import TODAY, Event, World

DAY = date.fromordinal(TODAY).isoformat()
ACCOUNT = {"facility": "WLD-2016-A", "partner": "huarui"}
REASON = "we booked the fee twice"


@pytest.fixture
def lead(world: World, tmp_path: Path) -> Iterator[ActingBank]:
    world.post("webank", Event(Kind.TOP_UP, "AMOUNT", 100, 1), Event(Kind.TOP_UP, "ALONE", 70, 1))
    world.post("huarui", Event(Kind.TOP_UP, "AMOUNT", 110))
    with acting_bank(world, "webank", tmp_path) as bank:
        yield bank


@pytest.fixture
def partner(world: World, lead: ActingBank, tmp_path: Path) -> Iterator[ActingBank]:
    with acting_bank(world, "huarui", tmp_path) as bank:
        yield bank


@pytest.fixture
def officer(lead: ActingBank) -> Colleague:
    return lead.colleague("officer")


@pytest.fixture
def approver(lead: ActingBank) -> Colleague:
    return lead.colleague("approver")


def done(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(answer: httpx.Response, status: int, name: str, says: str = "") -> None:
    assert (answer.status_code, answer.json()["type"]) == (
        status,
        f"urn:tallystick:problem:{name}",
    ), answer.text
    assert says in answer.json()["detail"]


def pair_of(bank: ActingBank, event_ref: str) -> dict[str, Any]:
    pairs = done(bank.face.client("read").get("/v1/pairs"))["items"]
    (found,) = [one for one in pairs if one["event_ref"] == event_ref]
    one: dict[str, Any] = found
    return one


def proposing(
    bank: ActingBank, officer: Colleague, event_ref: str = "AMOUNT", **changes: Any
) -> httpx.Response:
    asked = {"action": "adjust", "side": "lead", "reason": REASON} | changes
    return officer.prepare("breaks.propose", pair=pair_of(bank, event_ref)["number"], **asked)


def test_two_banks_resolve_a_break_and_close_a_day(
    lead: ActingBank, partner: ActingBank, officer: Colleague, approver: Colleague
) -> None:
    theirs, their_approver = partner.colleague("officer"), partner.colleague("approver")

    prepared = done(proposing(lead, officer), 201)
    assert prepared["state"] == "prepared"
    assert prepared["words"] == "propose a resolution: adjust at the lead"
    assert prepared["effect"] == {
        "lead_moved": "0.10",
        "partner_moved": "0.00",
        "agreed": "1.10",
        "accepted_difference": "0.00",
        "currency": "CNY",
    }
    assert prepared["facts"]["The lead's half"] == f"1.00 CNY, value date {DAY}"
    signed = done(approver.sign(prepared))
    assert signed["state"] == "signed"
    assert (signed["prepared_by"], signed["signed_by"]) == (officer.shown_as, approver.shown_as)
    assert signed["transaction"].startswith("0x")

    partner.read()
    waiting = pair_of(partner, "AMOUNT")
    assert waiting["proposal"]["reason"] == REASON
    accepting = done(
        theirs.prepare(
            "breaks.accept", pair=waiting["number"], resolution=waiting["proposal"]["number"]
        ),
        201,
    )
    done(their_approver.sign(accepting))
    for bank in (lead, partner):
        bank.read()
        assert pair_of(bank, "AMOUNT")["resolution"] == "adjust"

    stating = done(theirs.prepare("days.propose", day=DAY, **ACCOUNT), 201)
    assert stating["facts"]["Closing, agreed"] == "1.10"
    done(their_approver.sign(stating))
    lead.read()
    client = lead.face.client("read")
    (statement,) = done(client.get("/v1/day-closes", params={"state": "proposed"}))["items"]
    confirming = officer.prepare(
        "days.confirm", statement_hash=statement["statement_hash"], **ACCOUNT
    )
    done(approver.sign(done(confirming, 201)))
    lead.read()
    assert len(done(client.get("/v1/day-closes", params={"state": "closed"}))["items"]) == 1

    with lead.engine.connect() as connection:
        people = audit_trail.c.actor.startswith("person:")
        seen = select(audit_trail.c.address).where(people, audit_trail.c.act.like("%.%"))
        assert set(connection.execute(seen).scalars()) == {"127.0.0.1"}

    (first, second) = done(client.get("/v1/acts"))["items"]
    assert (first["act"], second["act"]) == ("days.confirm", "breaks.propose")
    page = done(client.get("/v1/acts", params={"limit": 1}))
    assert [one["number"] for one in page["items"]] == [first["number"]]
    page = done(client.get("/v1/acts", params={"limit": 1, "cursor": page["next"]}))
    assert ([one["number"] for one in page["items"]], page["next"]) == ([second["number"]], None)


def test_who_may_not(lead: ActingBank, officer: Colleague, approver: Colleague) -> None:
    viewer = lead.colleague("viewer", "treasury", "auditor")
    refused(proposing(lead, viewer), 403, "forbidden")
    refused(proposing(lead, approver), 403, "forbidden")
    prepared = done(proposing(lead, officer), 201)
    for nobody in (viewer, officer):
        refused(nobody.sign(prepared), 403, "forbidden")
    refused(viewer.withdraw(prepared), 403, "forbidden")
    for key in ("feeds", "read", "admin"):  # a program is no person
        client = lead.face.client(key)
        refused(client.post("/v1/acts", json={}), 401, "unauthorized")
        body = {"hash": prepared["hash"], "code": "000000"}
        number = prepared["number"]
        refused(client.post(f"/v1/acts/{number}/sign", json=body), 401, "unauthorized")
        refused(client.post(f"/v1/acts/{number}/withdraw"), 401, "unauthorized")
    refused(lead.face.client("feeds").get("/v1/acts"), 403, "forbidden")
    refused(lead.face.client(None).get("/v1/acts"), 401, "unauthorized")
    assert done(viewer.client.get("/v1/acts"))["items"][0]["state"] == "prepared"


def test_nobody_signs_what_he_prepared(lead: ActingBank) -> None:
    both = lead.colleague("officer", "approver")
    prepared = done(proposing(lead, both), 201)
    refused(both.sign(prepared), 403, "forbidden", "nobody signs what he has prepared")
    assert len(both.codes) == 9
    done(lead.colleague("officer", "approver").sign(prepared))


def test_a_signature_asks_for_the_second_factor_again(
    lead: ActingBank, officer: Colleague, approver: Colleague
) -> None:
    prepared = done(proposing(lead, officer), 201)
    refused(approver.sign(prepared, code="wrong-code"), 403, "second-factor")
    others = lead.colleague("approver").codes[0]
    refused(approver.sign(prepared, code=others), 403, "second-factor")
    used = approver.codes.pop()
    refused(approver.sign(prepared, hash="0" * 64, code=used), 409, "other-content")
    done(approver.sign(prepared, code=used))  # which was not used up by what was refused
    other = done(proposing(lead, officer, "ALONE", action="void", side=None), 201)
    refused(approver.sign(other, code=used), 403, "second-factor")


def test_another_sites_form_prepares_nothing(lead: ActingBank, officer: Colleague) -> None:
    del officer.client.headers["X-CSRF-Token"]
    refused(proposing(lead, officer), 403, "foreign-form")
    officer.client.headers["Origin"] = "https://evil.example"
    refused(proposing(lead, officer), 403, "foreign-origin")


def test_two_people_act_on_one_break(
    lead: ActingBank, officer: Colleague, approver: Colleague
) -> None:
    prepared = done(proposing(lead, officer), 201)
    other = lead.colleague("officer")
    says = f"waits already, prepared by {officer.shown_as}"
    refused(proposing(lead, other, action="void", side=None), 409, "waiting-already", says)
    done(other.withdraw(prepared))
    refused(approver.sign(prepared), 409, "not-waiting", f"withdrawn by {other.shown_as}")
    refused(other.withdraw(prepared), 409, "not-waiting")
    done(proposing(lead, other, action="void", side=None), 201)


def test_an_act_that_is_sent_again_is_prepared_once(lead: ActingBank, officer: Colleague) -> None:
    officer.client.headers["Idempotency-Key"] = "7f3a"
    prepared = done(proposing(lead, officer), 201)
    assert done(proposing(lead, officer), 201) == prepared
    refused(proposing(lead, officer, reason="another"), 409, "idempotency-conflict")
    officer.client.headers["Idempotency-Key"] = "7f3b"
    refused(proposing(lead, officer), 409, "waiting-already")


def test_a_proposal_overtaken_by_a_late_half(
    lead: ActingBank, officer: Colleague, approver: Colleague
) -> None:
    prepared = done(proposing(lead, officer, "ALONE", action="write_off", side=None), 201)
    lead.world.post("huarui", Event(Kind.TOP_UP, "ALONE", 75))
    lead.read()
    changed = "The partner's half was none and is now 0.75 CNY"
    refused(approver.sign(prepared), 409, "overtaken", changed)
    act = done(approver.client.get(f"/v1/acts/{prepared['number']}"))
    assert act["state"] == "refused"
    assert changed in act["note"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "act"),
        ({"act": "breaks.explode", "pair": 1}, "act"),
        ({"act": "breaks.propose", "pair": 1, "action": "adjust", "reason": "so"}, "side"),
        ({"act": "breaks.propose", "pair": 10**30, "action": "void", "reason": "so"}, "pair"),
        ({"act": "breaks.propose", "pair": 999, "action": "void", "reason": "so"}, "no such"),
        ({"act": "breaks.accept", "pair": 1, "resolution": 1, "reason": "so"}, "reason"),
        ({"act": "days.propose", "day": DAY, "facility": "NO-SUCH", "partner": "x"}, "NO-SUCH"),
        ({"act": "days.confirm", "statement_hash": "0x1", **ACCOUNT}, "statement_hash"),
        ({"act": "days.withdraw_reopening", "day": DAY, **ACCOUNT}, "no day"),
    ],
)
def test_what_cannot_be_asked_is_said(officer: Colleague, body: dict[str, Any], says: str) -> None:
    refused(officer.client.post("/v1/acts", json=body), 422, "invalid-request", says)


def test_a_node_that_signs_nothing(world: World, lead: ActingBank, tmp_path: Path) -> None:
    with acting_bank(world, "huarui", tmp_path, signs=False) as bank:
        refused(proposing(bank, bank.colleague("officer")), 409, "signing-is-off", "[approver]")


def test_what_is_not_there(approver: Colleague) -> None:
    nothing = {"number": 99, "hash": "0" * 64}
    refused(approver.sign(nothing), 404, "not-found")
    refused(approver.withdraw(nothing), 404, "not-found")
    refused(approver.client.get("/v1/acts/99"), 404, "not-found")
