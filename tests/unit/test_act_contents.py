"""Prepared acts without chain or database: their life, and what a signature is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from pydantic import ValidationError

from app.actions import breaks, consortium, days, facilities, holds
from app.contracts.proposals import about
from app.domain.day_close import OpenItems, Statement, Sums
from app.domain.facility import Shares
from app.domain.facility_file import facility_of
from app.domain.resolutions import Action, Resolution, Side
from app.locale import in_language, said
from app.prepared_acts.facts import changes
from app.prepared_acts.kinds import KINDS, Content
from app.prepared_acts.lifecycle import NEXT, WAITING, State
from app.prepared_acts.requests import PrepareIn

ACCOUNT = days.Account("WLD-2016-A", "huarui", 1, 1, "CNY", 2)
SUMS = Sums(-1, 2, 3)
STATEMENT = Statement(1, 1, 738_000, SUMS, SUMS, SUMS, OpenItems(1, 2, 3, 4, (5, 2**255 + 1)))
RESOLUTION = Resolution(
    1, 1, 1, b"\xff" * 20, 2, b"\x00" * 20, Action.ADJUST, Side.LEAD, 738_000, b"\x80" * 32,
    b"\x01" * 32,
)  # fmt: skip
SEEN = consortium.SeenProposal(3, b"\xfe" * 32)
ASKED: dict[str, Any] = {
    "breaks.propose": breaks.ProposeResolution(17, Action.FORCE, None, 738_000, "ours, 客户"),
    "breaks.accept": breaks.AcceptResolution(17, RESOLUTION),
    "breaks.dispute": breaks.DisputeResolution(17, RESOLUTION, "no"),
    "breaks.withdraw": breaks.WithdrawResolution(17, RESOLUTION),
    "days.propose": days.ProposeDay(ACCOUNT, STATEMENT),
    "days.confirm": days.ConfirmDay(ACCOUNT, b"\xfe" * 32),
    "days.dispute": days.DisputeDay(ACCOUNT, b"\xfe" * 32, "no"),
    "days.withdraw": days.WithdrawDay(ACCOUNT),
    "days.propose_reopening": days.ProposeReopening(ACCOUNT, 738_000, "booked twice"),
    "days.confirm_reopening": days.ConfirmReopening(ACCOUNT, 738_000, b"\xfe" * 32),
    "days.withdraw_reopening": days.WithdrawReopening(ACCOUNT),
    "holds.place": holds.PlaceHolds("F", b"\xfe" * 20, "10.00", 738_000, 1_800_000_000, "huarui"),
    "holds.release": holds.ReleaseHolds((holds.HeldPart(1, 2, b"\xfe" * 20, 3),)),
    "facilities.propose": facilities.ProposeFacility(
        facility_of(
            {
                "id": "F",
                "lead": "webank",
                "currency": "CNY",
                "time_zone": "Asia/Shanghai",
                "cut_off": "18:00:00",
                "first_day": "2016-01-31",
                "rules": {
                    "amount_tolerance": "0.01",
                    "date_window_days": 2,
                    "match_deadline_hours": 24,
                },
                "partners": [
                    {
                        "name": "华瑞",
                        "share_bps": {"principal": 8000, "interest": 7000, "fee": 0},
                        "low_balance": "50000.00",
                    }
                ],
                "bounds": {"least_lead_share_bps": 500},
            }
        )
    ),
    "facilities.accept": facilities.AcceptFacility("F", b"\xfe" * 32),
    "facilities.decline": facilities.DeclineFacility("F", "no"),
    "facilities.withdraw": facilities.WithdrawFacility("F"),
    "facilities.propose_shares": facilities.ProposeShares(
        "F", 738_000, {"wuxi": Shares(1, 2, 3), "huarui": Shares(4, 5, 6)}, "a review"
    ),
    "facilities.propose_rules": facilities.ProposeRules(
        "F", 738_000, "0.05", None, 3600, time(18, 0), "rounding"
    ),
    "facilities.propose_close": facilities.ProposeClose("F", "repaid"),
    "facilities.accept_change": facilities.AcceptChange("F", 1, b"\xfe" * 32),
    "facilities.enact_change": facilities.EnactChange("F", 1, b"\xfe" * 32),
    "facilities.withdraw_change": facilities.WithdrawChange("F", 1),
    "facilities.pause": facilities.PauseFacility("F", "figures look wrong"),
    "facilities.resume": facilities.ResumeFacility("F", None),
    "consortium.propose": consortium.Propose((about("evict", 3),), "left"),
    "consortium.vote": consortium.Vote((SEEN,), True),
    "consortium.enact": consortium.Enact(SEEN),
    "consortium.withdraw": consortium.Withdraw(3),
    "consortium.object": consortium.ObjectToKey(SEEN),
    "consortium.stop": consortium.StopMember(3, "stolen key"),
    "consortium.lift": consortium.LiftStop(3),
}
FACTS = {"The lead's half": "1.00 CNY, value date 2026-03-02"}


def test_nothing_leads_out_of_an_end_and_every_state_is_reached() -> None:
    ends = {state for state, then in NEXT.items() if not then}
    assert ends == {State.SIGNED, State.REFUSED, State.FAILED, State.WITHDRAWN, State.EXPIRED}
    assert ends | set(WAITING) == set(State)
    assert set().union(*NEXT.values()) == set(State)


def test_what_was_sent_ends_by_the_chains_word_alone() -> None:
    """Nobody withdraws, repeats or lets expire what may be mined: there would be a second one."""
    assert NEXT[State.SENT] == {State.SIGNED, State.FAILED}
    assert [state for state, then in NEXT.items() if State.SENT in then] == [State.SIGNING]
    assert [state for state, then in NEXT.items() if State.SIGNING in then] == [State.PREPARED]


def test_every_kind_has_chinese_words() -> None:
    with in_language("zh-Hans"):
        assert [one.words for one in KINDS.values() if said(one.words) == one.words] == []


def test_every_kind_has_an_example_here() -> None:
    assert ASKED.keys() == KINDS.keys()


@pytest.mark.parametrize("act", ASKED)
def test_what_is_kept_is_what_was_asked(act: str) -> None:
    content = Content(act, ASKED[act], FACTS, "p-1")
    kept = Content.from_json(content.to_json())
    assert kept == content
    assert kept.hash == content.hash


@pytest.mark.parametrize("name", ["facility", "partner"])
def test_no_name_holds_what_a_database_refuses(name: str) -> None:
    asked = {"act": "days.propose", "facility": "F", "partner": "P", "day": "2026-03-02"}
    PrepareIn.model_validate(asked)
    with pytest.raises(ValidationError):
        PrepareIn.model_validate(asked | {name: "a\0"})


def test_a_signature_is_over_all_of_it() -> None:
    act = "breaks.propose"
    content = Content(act, ASKED[act], FACTS, "p-1")
    others = [
        replace(content, asked=replace(ASKED[act], reason="other")),
        replace(content, asked=replace(ASKED[act], action=Action.VOID)),
        replace(content, asked=replace(ASKED[act], number=18)),
        replace(content, facts={"The lead's half": "2.00 CNY, value date 2026-03-02"}),
        Content("breaks.accept", ASKED["breaks.accept"], FACTS, "p-1"),
        replace(content, prepared_by="p-2"),
    ]
    assert len({one.hash for one in (content, *others)}) == 1 + len(others)


def test_what_has_changed_is_said_in_words() -> None:
    before = {"The lead's half": "1.00", "The partner's half": "none", "Opening": "0.00"}
    assert changes(before, dict(before)) == []
    now = {"The lead's half": "1.00", "The partner's half": "1.10"}
    assert changes(before, now) == ["The partner's half was none and is now 1.10"]
