"""What raises, keeps, escalates and ends an alert: facts, rules and open alerts in, changes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.alerts.judge import (
    AccountFacts,
    Cause,
    ChainFacts,
    Change,
    End,
    Ending,
    Escalate,
    NodeFacts,
    NotArchived,
    OpenAlert,
    Raise,
    Refresh,
    Stopped,
    Wake,
    judge,
)
from app.alerts.kinds import DEFAULTS, AlertKind, Rule
from app.alerts.texts import kind_title, sentence

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACCOUNT = AccountFacts("F", "p", "CNY", 2, balance=100_00, low_balance=50_00)
QUIET = NodeFacts(feeds={})
AGO = NOW - timedelta(hours=5)


def judged(
    account: AccountFacts | None,
    *open_alerts: OpenAlert,
    node: NodeFacts = QUIET,
    rules: Mapping[AlertKind, Rule] | None = None,
    now: datetime = NOW,
) -> list[Change]:
    chain = None if account is None else ChainFacts(NOW, [account])
    return judge(chain, node, {**DEFAULTS, **(rules or {})}, open_alerts, now)


def raised(changes: list[Change]) -> dict[AlertKind, Cause]:
    assert all(isinstance(one, Raise) for one in changes)
    return {one.cause.kind: one.cause for one in changes if isinstance(one, Raise)}


def alert(kind: AlertKind, details: dict[str, str | int], **more: Any) -> OpenAlert:
    return OpenAlert(7, kind, "F/p", details, AGO, **more)


SHORT = replace(ACCOUNT, balance=-1)
IN_SHORTFALL: dict[str, str | int] = {"balance": "-0.01", "shortfall": "0.01", "currency": "CNY"}


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        ({}, set()),
        ({"balance": 50_00}, set()),
        ({"balance": 49_99}, {AlertKind.LOW_BALANCE}),
        ({"balance": 0, "low_balance": 0}, set()),
        ({"balance": -1}, {AlertKind.SHORTFALL}),  # which says more than a low balance
        ({"runs_out": date(2026, 3, 9), "top_up": 7_00}, {AlertKind.PROJECTED_SHORTFALL}),
        ({"runs_out": date(2026, 3, 2), "balance": -1}, {AlertKind.SHORTFALL}),
        ({"proof": 1}, {AlertKind.PROOF}),
        ({"proof": None}, set()),
        ({"overdue": 3, "overdue_since": NOW}, {AlertKind.OVERDUE_BREAK}),
        ({"largest_break": 10**15}, set()),  # no amount is set
        ({"unclosed_day": date(2026, 3, 1), "unclosed_since": AGO}, {AlertKind.DAY_NOT_CLOSED}),
        ({"unclosed_day": date(2026, 3, 1), "unclosed_since": NOW}, set()),
    ],
)
def test_an_account_raises(changed: dict[str, Any], kinds: set[AlertKind]) -> None:
    found = raised(judged(replace(ACCOUNT, **changed)))
    assert set(found) == kinds
    for kind, cause in found.items():
        assert cause.subject == "F/p"
        assert "{" not in sentence(kind, cause.details)


def test_the_node_raises() -> None:
    node = NodeFacts(
        feeds={"F": NOW - timedelta(days=4), "G": NOW},
        stopped=[Stopped("F", "batch 1: {no}"), Stopped("F", "batch 2: no"), Stopped("", "nonce")],
        chain_trouble="away",
        chain_trouble_since=AGO,
        endings=[Ending("near", NOW + timedelta(days=29)), Ending("far", NOW + timedelta(days=31))],
        not_archived=[NotArchived("F", "no {room}", AGO), NotArchived("G", "busy", NOW)],
    )
    found = judged(None, node=node)
    subjects = sorted((one.cause.kind.value, one.cause.subject) for one in found
                      if isinstance(one, Raise))  # fmt: skip
    assert subjects == [
        ("batch_stopped", "F"), ("batch_stopped", "all postings"), ("chain_stalled", "chain"),
        ("expiry", "near"), ("feed_silent", "F"), ("not_archived", "F"),
    ]  # fmt: skip
    for one in found:
        assert isinstance(one, Raise)
        assert sentence(one.cause.kind, one.cause.details)


def test_an_open_alert_is_not_raised_again_and_shows_the_figures_of_now() -> None:
    assert judged(SHORT, alert(AlertKind.SHORTFALL, IN_SHORTFALL, acknowledged=True)) == []
    (change,) = judged(
        replace(SHORT, balance=-2), alert(AlertKind.SHORTFALL, IN_SHORTFALL, acknowledged=True)
    )
    assert isinstance(change, Refresh) and change.details["shortfall"] == "0.02"


def test_it_ends_when_the_cause_is_gone_or_the_kind_is_switched_off() -> None:
    one = alert(AlertKind.SHORTFALL, IN_SHORTFALL)
    assert judged(ACCOUNT, one) == [End(7)]
    assert judged(SHORT, one, rules={AlertKind.SHORTFALL: Rule(enabled=False)})[0] == End(7)


def test_a_low_balance_stays_open_below_zero_and_a_top_up_leaves_it_where_it_is_low() -> None:
    details: dict[str, str | int] = {"balance": "-0.01", "threshold": "50.00", "currency": "CNY"}
    low = alert(AlertKind.LOW_BALANCE, details, acknowledged=True)
    assert set(raised(judged(SHORT, low))) == {AlertKind.SHORTFALL}
    short = alert(AlertKind.SHORTFALL, IN_SHORTFALL)
    changes = judged(replace(ACCOUNT, balance=1), short)
    assert changes[0] == End(7)
    assert set(raised(changes[1:])) == {AlertKind.LOW_BALANCE}


def test_a_view_that_is_behind_neither_raises_nor_ends() -> None:
    one = alert(AlertKind.SHORTFALL, IN_SHORTFALL)
    assert judged(None, one) == []
    off = {AlertKind.SHORTFALL: Rule(enabled=False)}
    assert judged(None, one, rules=off) == [End(7)]


def test_it_is_escalated_once_unless_somebody_looks_after_it() -> None:
    one = alert(AlertKind.SHORTFALL, IN_SHORTFALL)
    assert judged(SHORT, one) == [Escalate(7)]
    assert judged(SHORT, replace(one, acknowledged=True)) == []
    assert judged(SHORT, replace(one, escalated=True)) == []
    assert judged(SHORT, replace(one, raised_at=NOW)) == []
    assert judged(SHORT, one, rules={AlertKind.SHORTFALL: Rule(escalate_minutes=0)}) == []


def test_a_snoozed_one_is_quiet_and_then_told_again() -> None:
    one = alert(AlertKind.SHORTFALL, IN_SHORTFALL, snoozed_until=NOW)
    assert judged(SHORT, one, now=NOW - timedelta(seconds=1)) == []
    assert judged(SHORT, one) == [Wake(7), Escalate(7)]
    assert judged(ACCOUNT, one, now=NOW - timedelta(seconds=1)) == [End(7)]


@pytest.mark.parametrize(("largest", "is_raised"), [(999_99, False), (1_000_00, True)])
def test_a_break_is_large_from_the_amount_of_its_currency_on(largest: int, is_raised: bool) -> None:
    rules = {AlertKind.LARGE_BREAK: Rule(amounts={"CNY": "1000", "USD": "1"})}
    found = raised(judged(replace(ACCOUNT, largest_break=largest), rules=rules))
    assert (AlertKind.LARGE_BREAK in found) == is_raised


def test_ages_are_the_banks_choice() -> None:
    account = replace(ACCOUNT, overdue=1, overdue_since=AGO)
    for minutes, is_raised in ((300, True), (301, False)):
        rules = {AlertKind.OVERDUE_BREAK: Rule(minutes=minutes)}
        assert (AlertKind.OVERDUE_BREAK in raised(judged(account, rules=rules))) == is_raised


def test_every_kind_has_words_and_a_rule() -> None:
    assert set(DEFAULTS) == set(AlertKind)
    assert all(kind_title(kind) for kind in AlertKind)
