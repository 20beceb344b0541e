"""Every movement of the reserve accounts between two business dates, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, between, case, or_, select

from app.readmodel import tables as t
from app.readmodel.accounts.movements_as_of import agreed_amount, book_days
from app.readmodel.accounts.sums import effect_of, type_of_pair
from app.readmodel.archive.source import with_archive
from app.readmodel.directory import Facility
from app.readmodel.disclosures.names import event_name, target_event_name
from app.readmodel.pairs.as_of import pairs_as_of
from app.readmodel.pairs.resolutions import with_names
from app.readmodel.values import kind_name, target_name, to_date

_STREAM_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class MovementLine:
    """What one pair, or one accepted resolution, moved in the period: minor units, signed by effect
    on the reserve; None in a book that it did not move then.

    `type`: as a pair's; of a resolution's own movement the resolution's action.
    """

    type: str
    kind: str
    event_ref: str | None
    reference: str
    target: str | None
    lead_date: date | None
    partner_date: date | None
    agreed_date: date | None
    lead: int | None
    partner: int | None
    agreed: int | None


def movement_lines(
    connection: Connection,
    facility: Facility,
    partner: int,
    first: date,
    last: date,
    until: int | None = None,
) -> Iterator[MovementLine]:
    """The lines of one account in the order of the chain, resolutions' own last; read as it goes.

    Their sums are the account's movements, book by book.
    """
    low, high = first.toordinal(), last.toordinal()
    source = with_archive(connection, facility=facility.number, first=low, last=high)
    yield from _pairs(connection, pairs_as_of(source, until), facility.number, partner, low, high)
    yield from _resolutions(connection, facility.number, partner, low, high, until)


def _pairs(
    connection: Connection, source: FromClause, facility: int, partner: int, low: int, high: int
) -> Iterator[MovementLine]:
    c = source.c
    days = (*book_days(source), c.agreed_business_day)
    amounts = (c.lead_amount, c.partner_amount, agreed_amount(source))

    def within(day: ColumnElement[int], value: Any) -> ColumnElement[int]:
        return case((between(day, low, high), value))

    query = (
        select(
            type_of_pair(source),
            c.kind,
            event_name(source),
            c.ref,
            c.target_kind,
            c.target_ref,
            target_event_name(source),
            *(within(day, day) for day in days),
            *(within(day, amount) for day, amount in zip(days, amounts, strict=True)),
        )
        .where(
            c.facility == facility,
            c.partner == partner,
            or_(*(between(day, low, high) for day in days)),
        )
        .order_by(c.number)
    )
    rows = connection.execute(query, execution_options={"yield_per": _STREAM_ROWS})
    for type_, kind, event_ref, ref, target_kind, target_ref, target_event, *moved in rows:
        lead_day, partner_day, agreed_day, lead, partner_part, agreed = moved
        sign = effect_of(kind, target_kind)
        yield MovementLine(
            type_,
            kind_name(kind),
            event_ref,
            ref.hex(),
            target_name(target_kind, target_ref, target_event),
            None if lead_day is None else to_date(lead_day),
            None if partner_day is None else to_date(partner_day),
            None if agreed_day is None else to_date(agreed_day),
            None if lead is None else sign * lead,
            None if partner_part is None else sign * partner_part,
            None if agreed is None else sign * agreed,
        )


def _resolutions(
    connection: Connection, facility: int, partner: int, low: int, high: int, until: int | None
) -> Iterator[MovementLine]:
    c = t.resolutions.c
    query = (
        with_names()
        .where(c.facility == facility, c.partner == partner, between(c.moved_day, low, high))
        .order_by(c.number)
    )
    if until is not None:
        query = query.where(c.decided_at <= until)
    for row in connection.execute(query, execution_options={"yield_per": _STREAM_ROWS}):
        day = to_date(row.moved_day)
        yield MovementLine(
            row.action,
            kind_name(row.moved_kind),
            row.event_ref,
            row.ref.hex(),
            target_name(row.target_kind, row.target_ref, row.target_event_ref),
            day if row.lead_moved else None,
            day if row.partner_moved else None,
            None,
            row.lead_moved or None,
            row.partner_moved or None,
            None,
        )
