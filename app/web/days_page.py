"""The days that were closed or proposed, and one day's statement with what it carries forward."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.locale import _
from app.presentation.pairs import kind_text
from app.readmodel.days.queries import carried_forward, day_records
from app.readmodel.days.shapes import CarriedPair, DayRecord
from app.readmodel.directory import Directory, directory
from app.web.text import iso, moment, money, signed_money

_LINES = 200

_TONES = {"closed": "good", "proposed": "pending", "disputed": "bad"}


@dataclass(frozen=True, slots=True)
class DayRow:
    """A statement in a list; `tone` of its state: empty, good, pending or bad."""

    number: int
    day: str
    facility: str
    partner: str
    currency: str
    state: str
    tone: str
    closing: str
    open_legs: int
    proposed_by: str
    answered_by: str
    at: str
    """When it was answered, or else proposed."""


@dataclass(frozen=True, slots=True)
class SumsRow:
    """One line in the three books: opening, a movement, or closing."""

    label: str
    lead: str
    partner: str
    agreed: str


@dataclass(frozen=True, slots=True)
class CarriedRow:
    """A pair that is carried forward open. `number` leads to its page; None: not in this view."""

    number: int | None
    kind: str
    ref: str
    lead: str
    partner: str


@dataclass(frozen=True, slots=True)
class DayPage:
    """One statement: what both banks signed, or what waits for the other's signature."""

    row: DayRow
    lead: str
    time_zone: str
    sums: Sequence[SumsRow]
    open_lead: str
    open_partner: str
    accepted_difference: str
    statement_hash: str
    transaction: str
    proposed_at: str
    answered_at: str
    reopened: str
    carried: Sequence[CarriedRow]


def day_rows(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    limit: int = _LINES,
) -> list[DayRow]:
    """Statements, the newest first."""
    names = directory(connection)
    return [
        _row(names, record) for record in day_records(connection, facility, partner, limit=limit)
    ]


def day_page(connection: Connection, number: int) -> DayPage | None:
    """The statement of a number; None where this view has none."""
    found = day_records(connection, number=number)
    names = directory(connection)
    facility = names.facility(found[0].facility) if found else None
    if facility is None:
        return None
    record, decimals = found[0], facility.decimals
    statement = record.statement

    def line(label: str, *amounts: int, signed: bool = False) -> SumsRow:
        shape = signed_money if signed else money
        return SumsRow(label, *(shape(one, decimals) for one in amounts))

    opening, movement, closing = statement.opening, statement.movement, statement.closing
    return DayPage(
        row=_row(names, record),
        lead=facility.lead,
        time_zone=facility.time_zone,
        sums=[
            line(_("Opening"), opening.lead, opening.partner, opening.agreed),
            line(_("Movement"), movement.lead, movement.partner, movement.agreed, signed=True),
            line(_("Closing"), closing.lead, closing.partner, closing.agreed),
        ],
        open_lead=signed_money(statement.open.lead, decimals),
        open_partner=signed_money(statement.open.partner, decimals),
        accepted_difference=signed_money(statement.open.accepted_difference, decimals),
        statement_hash="0x" + record.statement_hash.hex(),
        transaction=record.transaction,
        proposed_at=iso(record.proposed_at),
        answered_at="" if record.answered_at is None else iso(record.answered_at),
        reopened=_reopened(record),
        carried=[_carried(one, decimals) for one in carried_forward(connection, record)],
    )


def _row(names: Directory, record: DayRecord) -> DayRow:
    facility = names.facility(record.facility)
    decimals = facility.decimals if facility else 0
    return DayRow(
        number=record.number,
        day=record.day.isoformat(),
        facility=record.facility,
        partner=record.partner,
        currency=facility.currency if facility else "",
        state=record.state,
        tone=_TONES.get(record.state, ""),
        closing=money(record.statement.closing.agreed, decimals),
        open_legs=record.statement.open.legs,
        proposed_by=record.proposed_by,
        answered_by=record.answered_by or "",
        at=iso(record.answered_at or record.proposed_at),
    )


def _reopened(record: DayRecord) -> str:
    if record.reopened_at is not None:
        at = moment(iso(record.reopened_at))
        return _("Opened again at %(at)s UTC, asked for by %(bank)s.", at=at, bank=record.reopen_by)
    if record.reopen_by is not None:
        return _("%(bank)s asks to open it again; the other bank decides.", bank=record.reopen_by)
    return ""


def _carried(one: CarriedPair, decimals: int) -> CarriedRow:
    def amount(minor: int | None) -> str:
        return "" if minor is None else money(minor, decimals)

    kind = kind_text(one.kind, one.target)
    ref = one.event_ref or f"#{one.reference[:12]}…"
    return CarriedRow(one.number, kind, ref, amount(one.lead_amount), amount(one.partner_amount))
