"""Holds, alerts, statements and closed days as the REST face and the commands' --json show them."""

from collections.abc import Sequence

from app.domain.day_close import Sums
from app.domain.money import format_amount
from app.presentation.models import (
    AlertOut,
    BookSumsOut,
    CarriedOut,
    DayCloseOut,
    HoldOut,
    KindMovementOut,
    StatementOut,
)
from app.presentation.shapes import Money
from app.readmodel.reserves import Alert, CarriedPair, DayRecord, Hold
from app.readmodel.results import AccountMovements


def hold_out(hold: Hold, money: Money) -> HoldOut:
    _, decimals = money[hold.facility]
    return HoldOut(
        facility=hold.facility,
        partner=hold.partner,
        reference=hold.reference,
        event_ref=hold.event_ref,
        amount=format_amount(hold.amount, decimals),
        state=hold.state,
        expires_at=hold.expires_at,
        overdue=hold.overdue,
        placed_at=hold.placed_at,
        ended_at=hold.ended_at,
        released_by=hold.released_by,
        transaction=hold.transaction,
    )


def alert_out(alert: Alert, money: Money) -> AlertOut:
    _, decimals = money[alert.facility]
    return AlertOut(
        number=alert.number,
        facility=alert.facility,
        partner=alert.partner,
        what=alert.what,
        balance=format_amount(alert.balance, decimals),
        low_balance=None
        if alert.low_balance is None
        else format_amount(alert.low_balance, decimals),
        at=alert.at,
        transaction=alert.transaction,
    )


def statement_out(of: AccountMovements, facility: str, money: Money) -> StatementOut:
    currency, decimals = money[facility]
    books = (of.lead_book, of.partner_book, of.agreed)
    kinds = sorted({kind for book in books for kind in book.movements})

    def amounts(*minor: int) -> dict[str, str]:
        lead, partner, agreed = (format_amount(one, decimals) for one in minor)
        return {"lead": lead, "partner": partner, "agreed": agreed}

    return StatementOut(
        facility=facility,
        partner=of.partner,
        currency=currency,
        opening=BookSumsOut(**amounts(*(book.opening for book in books))),
        movements=[
            KindMovementOut(kind=kind, **amounts(*(book.movements.get(kind, 0) for book in books)))
            for kind in kinds
        ],
        closing=BookSumsOut(**amounts(*(book.closing for book in books))),
    )


def day_close_out(
    record: DayRecord, money: Money, carried: Sequence[CarriedPair] | None = None
) -> DayCloseOut:
    _, decimals = money[record.facility]
    statement = record.statement

    def amount(minor: int) -> str:
        return format_amount(minor, decimals)

    def sums(of: Sums) -> BookSumsOut:
        return BookSumsOut(
            lead=amount(of.lead), partner=amount(of.partner), agreed=amount(of.agreed)
        )

    return DayCloseOut(
        number=record.number,
        facility=record.facility,
        partner=record.partner,
        day=record.day,
        state=record.state,
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
            CarriedOut(
                pair=one.number,
                kind=one.kind,
                reference=one.reference,
                event_ref=one.event_ref,
                target=one.target,
                lead_amount=None if one.lead_amount is None else amount(one.lead_amount),
                partner_amount=None if one.partner_amount is None else amount(one.partner_amount),
            )
            for one in carried
        ],
        statement_hash="0x" + record.statement_hash.hex(),
        proposed_by=record.proposed_by,
        proposed_block=record.proposed_block,
        proposed_at=record.proposed_at,
        transaction=record.transaction,
        answered_by=record.answered_by,
        answered_at=record.answered_at,
        reason_hash=None if record.reason_hash is None else "0x" + record.reason_hash.hex(),
        reopen_by=record.reopen_by,
        reopened_at=record.reopened_at,
    )
