"""A closed day as queries return it."""

from dataclasses import dataclass
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
