"""The kinds of alerts, and the rule that holds for each until the bank sets another one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.people.roles import Role

_HOUR, _DAY = 60, 24 * 60


class AlertKind(StrEnum):
    LOW_BALANCE = "low_balance"
    SHORTFALL = "shortfall"
    PROJECTED_SHORTFALL = "projected_shortfall"
    OVERDUE_BREAK = "overdue_break"
    LARGE_BREAK = "large_break"
    PROOF = "proof"
    DAY_NOT_CLOSED = "day_not_closed"
    FEED_SILENT = "feed_silent"
    BATCH_STOPPED = "batch_stopped"
    CHAIN_STALLED = "chain_stalled"
    EXPIRY = "expiry"
    NOT_ARCHIVED = "not_archived"


CRITICAL = frozenset(
    {AlertKind.SHORTFALL, AlertKind.PROOF, AlertKind.BATCH_STOPPED, AlertKind.CHAIN_STALLED}
)
"""The others are warnings."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alert of a kind is raised, and to whom it goes when nobody acknowledges it.

    minutes           how long the cause must have lasted (of `expiry`: how long before the end);
                      of kinds without a duration it is 0
    amounts           of `large_break`: from which difference on, decimal text by currency
    escalate_minutes  so long after it was raised it is escalated unless somebody acknowledged it;
                      0: never
    escalate_to       the role whose people it is escalated to
    """

    enabled: bool = True
    minutes: int = 0
    amounts: Mapping[str, str] = field(default_factory=dict)
    escalate_minutes: int = 0
    escalate_to: Role = "approver"


DEFAULTS: Mapping[AlertKind, Rule] = {
    AlertKind.LOW_BALANCE: Rule(escalate_minutes=4 * _HOUR),
    AlertKind.SHORTFALL: Rule(escalate_minutes=30),
    AlertKind.PROJECTED_SHORTFALL: Rule(escalate_minutes=_DAY),
    AlertKind.OVERDUE_BREAK: Rule(escalate_minutes=_DAY),
    AlertKind.LARGE_BREAK: Rule(escalate_minutes=4 * _HOUR),
    AlertKind.PROOF: Rule(escalate_minutes=30),
    AlertKind.DAY_NOT_CLOSED: Rule(minutes=4 * _HOUR, escalate_minutes=_DAY),
    AlertKind.FEED_SILENT: Rule(minutes=3 * _DAY),
    AlertKind.BATCH_STOPPED: Rule(escalate_minutes=_HOUR),
    AlertKind.CHAIN_STALLED: Rule(minutes=1, escalate_minutes=_HOUR),
    AlertKind.EXPIRY: Rule(minutes=30 * _DAY),
    AlertKind.NOT_ARCHIVED: Rule(minutes=_HOUR),
}

TIMED = frozenset(
    {
        AlertKind.OVERDUE_BREAK,
        AlertKind.DAY_NOT_CLOSED,
        AlertKind.FEED_SILENT,
        AlertKind.CHAIN_STALLED,
        AlertKind.EXPIRY,
        AlertKind.NOT_ARCHIVED,
    }
)
"""The kinds whose rule has a duration."""
