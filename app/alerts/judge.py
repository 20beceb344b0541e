"""What raises an alert and what ends it: facts, rules and open alerts in, changes out. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from app.alerts.kinds import AlertKind, Rule
from app.domain.money import format_amount

Details = Mapping[str, str | int]

_BY_CHAIN = frozenset(
    {
        AlertKind.LOW_BALANCE,
        AlertKind.SHORTFALL,
        AlertKind.PROJECTED_SHORTFALL,
        AlertKind.OVERDUE_BREAK,
        AlertKind.LARGE_BREAK,
        AlertKind.PROOF,
        AlertKind.DAY_NOT_CLOSED,
    }
)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One reserve account. Amounts in minor units; `proof` None while it is not known.

    `overdue` breaks, the oldest of them due at `overdue_since`; `largest_break` the largest
    difference of a break that is open; `unclosed_day` the first business date with movements that
    ended, at `unclosed_since`, and is not closed; `runs_out` the day on which the balance is
    projected below zero, if any, and `top_up` what is suggested then.
    """

    facility: str
    partner: str
    currency: str
    decimals: int
    balance: int
    low_balance: int
    proof: int | None = 0
    overdue: int = 0
    overdue_since: datetime | None = None
    largest_break: int = 0
    unclosed_day: date | None = None
    unclosed_since: datetime | None = None
    runs_out: date | None = None
    top_up: int = 0

    @property
    def subject(self) -> str:
        return f"{self.facility}/{self.partner}"


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What the read model says. `at`: the chain's clock."""

    at: datetime
    accounts: Sequence[AccountFacts]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Postings of a facility (empty: all postings) that stopped until a person looks, and why."""

    facility: str
    why: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A certificate that ends at a time, or a key that others would replace then."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NotArchived:
    """A facility whose closed days could not be archived, why, and since when."""

    facility: str
    why: str
    since: datetime


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What the node knows of itself. `feeds`: when each facility of which this bank has sent
    events last received a feed."""

    feeds: Mapping[str, datetime]
    stopped: Sequence[Stopped] = ()
    chain_trouble: str = ""
    chain_trouble_since: datetime | None = None
    endings: Sequence[Ending] = ()
    not_archived: Sequence[NotArchived] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """What an alert is about: one open alert for each kind and subject.

    `raises` is False of what keeps an alert open and is no reason to raise one.
    """

    kind: AlertKind
    subject: str
    details: Details
    facility: str = ""
    partner: str = ""
    raises: bool = True


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that has not ended."""

    number: int
    kind: AlertKind
    subject: str
    details: Details
    raised_at: datetime
    acknowledged: bool = False
    snoozed_until: datetime | None = None
    escalated: bool = False


@dataclass(frozen=True, slots=True)
class Raise:
    cause: Cause


@dataclass(frozen=True, slots=True)
class Refresh:
    """The details are others now; nobody is notified."""

    number: int
    details: Details


@dataclass(frozen=True, slots=True)
class Wake:
    """The time for which it was snoozed is over, and the cause still there."""

    number: int


@dataclass(frozen=True, slots=True)
class Escalate:
    """Nobody acknowledged it in time."""

    number: int


@dataclass(frozen=True, slots=True)
class End:
    """The cause is gone, or the bank switched the kind off."""

    number: int


Change = Raise | Refresh | Wake | Escalate | End


def judge(
    chain: ChainFacts | None,
    node: NodeFacts,
    rules: Mapping[AlertKind, Rule],
    open_alerts: Sequence[OpenAlert],
    now: datetime,
) -> list[Change]:
    """What to change. `chain` None: the read model is behind, and alerts that go by it stay as they
    are, whether something is open or not."""
    found = {(one.kind, one.subject): one for one in _causes(chain, node, rules, now)}
    changes: list[Change] = []
    for alert in open_alerts:
        rule = rules[alert.kind]
        if chain is None and alert.kind in _BY_CHAIN and rule.enabled:
            continue
        cause = found.pop((alert.kind, alert.subject), None)
        if cause is None:
            changes.append(End(alert.number))
            continue
        if dict(cause.details) != dict(alert.details):
            changes.append(Refresh(alert.number, cause.details))
        changes += _attention(alert, rule, now)
    return changes + [Raise(cause) for cause in found.values() if cause.raises]


def _attention(alert: OpenAlert, rule: Rule, now: datetime) -> Iterator[Change]:
    """A snoozed alert is quiet; one that nobody acknowledged in time is escalated once."""
    if alert.snoozed_until is not None:
        if now < alert.snoozed_until:
            return
        yield Wake(alert.number)
    if alert.acknowledged or alert.escalated or not rule.escalate_minutes:
        return
    if now - alert.raised_at >= timedelta(minutes=rule.escalate_minutes):
        yield Escalate(alert.number)


def _causes(
    chain: ChainFacts | None, node: NodeFacts, rules: Mapping[AlertKind, Rule], now: datetime
) -> Iterator[Cause]:
    found = list(_of_node(node, rules, now))
    if chain is not None:
        for account in chain.accounts:
            found += _of_account(account, chain.at, rules, now)
    return (one for one in found if rules[one.kind].enabled)


def _of_account(
    one: AccountFacts, clock: datetime, rules: Mapping[AlertKind, Rule], now: datetime
) -> Iterator[Cause]:
    def cause(kind: AlertKind, *, raises: bool = True, **details: str | int) -> Cause:
        return Cause(kind, one.subject, details, one.facility, one.partner, raises)

    def amount(minor: int) -> str:
        return format_amount(minor, one.decimals)

    if one.balance < one.low_balance:
        yield cause(
            AlertKind.LOW_BALANCE,
            # Below zero, the shortfall says more.
            raises=one.balance >= 0 or not rules[AlertKind.SHORTFALL].enabled,
            balance=amount(one.balance),
            threshold=amount(one.low_balance),
            currency=one.currency,
        )
    if one.balance < 0:
        yield cause(
            AlertKind.SHORTFALL,
            balance=amount(one.balance),
            shortfall=amount(-one.balance),
            currency=one.currency,
        )
    if one.runs_out is not None and one.balance >= 0:
        yield cause(
            AlertKind.PROJECTED_SHORTFALL,
            day=one.runs_out.isoformat(),
            top_up=amount(one.top_up),
            currency=one.currency,
        )
    if one.proof:
        yield cause(AlertKind.PROOF, proof=amount(one.proof), currency=one.currency)
    if one.overdue and _lasts(one.overdue_since, rules[AlertKind.OVERDUE_BREAK], clock):
        yield cause(AlertKind.OVERDUE_BREAK, breaks=one.overdue)
    from_amount = _minor(rules[AlertKind.LARGE_BREAK].amounts.get(one.currency), one.decimals)
    if from_amount is not None and one.largest_break >= from_amount:
        yield cause(
            AlertKind.LARGE_BREAK,
            difference=amount(one.largest_break),
            limit=amount(from_amount),
            currency=one.currency,
        )
    if one.unclosed_day is not None and _lasts(
        one.unclosed_since, rules[AlertKind.DAY_NOT_CLOSED], now
    ):
        yield cause(AlertKind.DAY_NOT_CLOSED, day=one.unclosed_day.isoformat())


def _of_node(node: NodeFacts, rules: Mapping[AlertKind, Rule], now: datetime) -> Iterator[Cause]:
    for facility, received in node.feeds.items():
        if _lasts(received, rules[AlertKind.FEED_SILENT], now):
            details = {"last_feed": received.isoformat(timespec="minutes")}
            yield Cause(AlertKind.FEED_SILENT, facility, details, facility)
    stopped = {one.facility: one.why for one in node.stopped}
    for facility, why in stopped.items():
        subject = facility or "all postings"
        yield Cause(AlertKind.BATCH_STOPPED, subject, {"why": why[:500]}, facility)
    if node.chain_trouble and _lasts(node.chain_trouble_since, rules[AlertKind.CHAIN_STALLED], now):
        yield Cause(AlertKind.CHAIN_STALLED, "chain", {"why": node.chain_trouble[:500]})
    for ending in node.endings:
        if ending.at - now <= timedelta(minutes=rules[AlertKind.EXPIRY].minutes):
            details = {"name": ending.name, "ends": ending.at.isoformat(timespec="minutes")}
            yield Cause(AlertKind.EXPIRY, ending.name[:200], details)

    for one in node.not_archived:
        if _lasts(one.since, rules[AlertKind.NOT_ARCHIVED], now):
            details = {"why": one.why[:500]}
            yield Cause(AlertKind.NOT_ARCHIVED, one.facility, details, one.facility)


def _lasts(since: datetime | None, rule: Rule, now: datetime) -> bool:
    return since is not None and now - since >= timedelta(minutes=rule.minutes)


def _minor(amount: str | None, decimals: int) -> int | None:
    """An amount of a rule in minor units; None where there is none for the currency."""
    return None if amount is None else int(Decimal(amount).scaleb(decimals))
