"""A closed day as queries return it, now or as it stood after a block."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from app.domain.day_close import Statement
from app.readmodel.values import to_date


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One proposal to close a day, and what became of it.

    `state`: proposed, replaced, withdrawn, disputed, closed or reopened.
    """

    number: int
    facility: str
    partner: str
    statement: Statement
    statement_hash: bytes
    state: str
    proposed_by: str
    proposed_block: int
    proposed_at: datetime
    transaction: str
    answered_by: str | None
    answered_at: datetime | None
    reason_hash: bytes | None
    reopen_by: str | None
    reopen_reason_hash: bytes | None
    reopened_at: datetime | None

    @property
    def day(self) -> date:
        return to_date(self.statement.day)


@dataclass(frozen=True, slots=True)
class CarriedPair:
    """A pair carried forward, by name as far as this view knows it."""

    key: int
    number: int | None
    kind: str
    reference: str
    target: str | None
    event_ref: str | None
    lead_amount: int | None
    partner_amount: int | None


def statements_at(records: Sequence[DayRecord], moment: datetime) -> list[DayRecord]:
    """Those of `records` (of one account and all its days) that were proposed by the block time
    `moment`, as they stood then, in the order of the chain. A reopening that was only asked for is
    not told: when it was is not kept."""
    found = []
    for one in sorted(records, key=lambda one: one.number):
        if one.proposed_at > moment:
            continue
        if one.answered_at is not None and one.answered_at > moment:
            one = replace(
                one, state="proposed", answered_by=None, answered_at=None, reason_hash=None
            )
        if one.reopened_at is None or one.reopened_at > moment:
            one = replace(
                one,
                state="closed" if one.state == "reopened" else one.state,
                reopen_by=None,
                reopen_reason_hash=None,
                reopened_at=None,
            )
        if one.state == "replaced" and one.answered_at is None:
            later = any(
                one.number < other.number and other.proposed_at <= moment for other in records
            )
            one = replace(one, state="replaced" if later else "proposed")
        found.append(one)
    return found
