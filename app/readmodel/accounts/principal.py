"""What is drawn of each account: drawdowns less repayments of principal, by book."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, case, or_, select

from app.domain.kinds import Component, Kind
from app.readmodel import tables as t
from app.readmodel.accounts.movements_as_of import agreed_amount, book_days
from app.readmodel.accounts.sums import effect_of, joined_sum, split_sum
from app.readmodel.archive.source import with_archive
from app.readmodel.directory import Facility
from app.readmodel.pairs.as_of import pairs_as_of

_PRINCIPAL = [int(kind) for kind in Kind if kind.component is Component.PRINCIPAL]
BOOKS = ("lead", "partner", "agreed")


def drawn_principal(
    connection: Connection, facility: Facility, last: date, until: int | None
) -> dict[int, tuple[int, int, int]]:
    """By partner number, minor units that are owed to that partner, in the lead's book, the
    partner's and the agreed one, at the end of the business date `last`; as of the block time
    `until` (None: now). Reversals and the corrections of resolutions are in it."""
    high = last.toordinal()
    source = with_archive(connection, facility=facility.number, last=high)
    pairs = pairs_as_of(source, until)
    c = pairs.c
    lead_day, partner_day = book_days(pairs)
    drawn: dict[int, list[int]] = {}

    def on_time(day: ColumnElement[int], amount: ColumnElement[int]) -> ColumnElement[Any]:
        return case((day <= high, amount))

    rows = (
        select(
            c.partner,
            c.kind,
            c.target_kind,
            on_time(lead_day, c.lead_amount).label("lead"),
            on_time(partner_day, c.partner_amount).label("partner_book"),
            on_time(c.agreed_business_day, agreed_amount(pairs)).label("agreed"),
        )
        .where(c.facility == facility.number, _of_principal(pairs))
        .subquery()
    )
    keys = (rows.c.partner, rows.c.kind, rows.c.target_kind)
    for row in connection.execute(
        select(
            *keys,
            *split_sum(rows.c.lead, "lead"),
            *split_sum(rows.c.partner_book, "partner"),
            *split_sum(rows.c.agreed, "agreed"),
        ).group_by(*keys)
    ):
        sign = -effect_of(row.kind, row.target_kind)
        sums = drawn.setdefault(row.partner, [0, 0, 0])
        for place, book in enumerate(BOOKS):
            sums[place] += sign * joined_sum(row, book)
    r = t.resolutions.c
    decided = [r.facility == facility.number, r.moved_day <= high, _of_principal(t.resolutions)]
    if until is not None:
        decided.append(r.decided_at <= until)
    for row in connection.execute(
        select(r.partner, *split_sum(r.lead_moved, "lead"), *split_sum(r.partner_moved, "partner"))
        .where(*decided)
        .group_by(r.partner)
    ):
        sums = drawn.setdefault(row.partner, [0, 0, 0])
        sums[0] -= joined_sum(row, "lead")
        sums[1] -= joined_sum(row, "partner")
    return {partner: (sums[0], sums[1], sums[2]) for partner, sums in drawn.items()}


def _of_principal(source: FromClause) -> ColumnElement[bool]:
    return or_(source.c.kind.in_(_PRINCIPAL), source.c.target_kind.in_(_PRINCIPAL))
