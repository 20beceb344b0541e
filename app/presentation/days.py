"""Closed days: statements, and what became of them."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import Field

from app.domain.day_close import Sums
from app.presentation.accounts import STATED_PARTS_DIFFERENCE, BookSumsOut
from app.presentation.common import Amount, AsOf, Model, Money
from app.readmodel.days.shapes import CarriedPair, DayRecord


class CarriedOut(Model):
    """A pair with open legs that a statement carries forward; nulls where this view has it not."""

    pair: int | None = Field(description="Its number, as in /v1/pairs.")
    kind: str
    reference: str
    event_ref: str | None
    target: str | None
    lead_amount: str | None
    partner_amount: str | None


class DayCloseOut(Model):
    """A proposal to close a reserve account's day, and what became of it."""

    number: int
    facility: str = Field(examples=["WLD-2016-A"])
    partner: str = Field(examples=["huarui"])
    day: date
    state: str = Field(description="proposed, replaced, withdrawn, disputed, closed or reopened")
    opening: BookSumsOut
    movement: BookSumsOut
    closing: BookSumsOut
    open_lead: Amount
    open_partner: Amount
    accepted_difference: Amount
    open_legs: int
    carried_forward: list[CarriedOut] | None = Field(
        None, description="The pairs with open legs; only of a single statement."
    )
    stated_parts_difference: str | None = Field(
        None,
        description=f"Of this business date; only of a single statement. {STATED_PARTS_DIFFERENCE}",
    )
    statement_hash: str
    proposed_by: str
    proposed_block: int
    proposed_at: datetime
    transaction: str
    answered_by: str | None
    answered_at: datetime | None
    reason_hash: str | None
    reopen_by: str | None = Field(description="Who proposed to open it again, if anybody.")
    reopened_at: datetime | None


class DayClosesOut(Model):
    """The newest first."""

    items: list[DayCloseOut]
    as_of: AsOf | None


def day_close_out(
    record: DayRecord,
    money: Money,
    carried: Sequence[CarriedPair] | None = None,
    stated_difference: int | None = None,
) -> DayCloseOut:
    statement, currency = record.statement, money[record.facility]
    amount = currency.amount

    def sums(of: Sums) -> BookSumsOut:
        return BookSumsOut(
            lead=amount(of.lead), partner=amount(of.partner), agreed=amount(of.agreed)
        )

    return DayCloseOut.of(
        record,
        opening=sums(statement.opening),
        movement=sums(statement.movement),
        closing=sums(statement.closing),
        open_lead=amount(statement.open.lead),
        open_partner=amount(statement.open.partner),
        accepted_difference=amount(statement.open.accepted_difference),
        open_legs=statement.open.legs,
        carried_forward=None
        if carried is None
        else [
            CarriedOut.of(
                one,
                pair=one.number,
                lead_amount=currency.optional(one.lead_amount),
                partner_amount=currency.optional(one.partner_amount),
            )
            for one in carried
        ],
        stated_parts_difference=currency.optional(stated_difference),
        statement_hash="0x" + record.statement_hash.hex(),
        reason_hash=None if record.reason_hash is None else "0x" + record.reason_hash.hex(),
    )
