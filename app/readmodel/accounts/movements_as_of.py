"""The reserve accounts as they stood after a past block, from the pairs and resolutions of then.

It reads an account's whole history: the totals by day are kept of the last block alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, func, or_, select

from app.readmodel import tables as t
from app.readmodel.accounts.movements import AccountMovements, BookMovements
from app.readmodel.accounts.sums import effect_of, joined_sum, split_sum, type_of_pair
from app.readmodel.archive.source import with_archive
from app.readmodel.directory import Facility, Partner
from app.readmodel.pairs.as_of import pairs_as_of

_BEFORE, _WITHIN, _AFTER = 0, 1, 2
_ACCEPTING = ("force", "write_off")


@dataclass(slots=True)
class OpenItems:
    """What explains a difference between the two books of one account, signed by effect."""

    lead: int = 0
    partner: int = 0
    accepted_difference: int = 0


def movements_as_of(
    connection: Connection,
    facility: Facility,
    partners: Sequence[Partner],
    first: date,
    last: date,
    until: int,
) -> list[AccountMovements]:
    """The three books of these partners' accounts as they stood at the block time `until`."""
    found = {one.number: AccountMovements(one.name) for one in partners}
    low, high = first.toordinal(), last.toordinal()
    source = pairs_as_of(with_archive(connection, facility=facility.number), until)
    _add_pairs(connection, source, _of(source, facility, found), low, high, found)
    r = t.resolutions.c
    decided = [*_of(t.resolutions, facility, found), r.decided_at <= until]
    _add_resolutions(connection, decided, low, high, found)
    j = t.rejections.c
    posted = [*_of(t.rejections, facility, found), j.posted_at <= until, j.reason == "duplicate"]
    for partner, side, count in connection.execute(
        select(j.partner, j.side, func.count())
        .where(*posted, j.business_day.between(low, high))
        .group_by(j.partner, j.side)
    ):
        found[partner].counts[f"duplicate_at_{side}"] += count
    return list(found.values())


def open_items_as_of(connection: Connection, facility: int, until: int) -> dict[int, OpenItems]:
    """Open legs and accepted differences by partner number, at the block time `until`."""
    source = pairs_as_of(with_archive(connection, facility=facility), until)
    c = source.c
    # Of two halves only the difference can be accepted; of one, nothing is left open.
    both = and_(c.lead_amount.is_not(None), c.partner_amount.is_not(None)).label("both")
    keys = (c.partner, c.kind, c.target_kind, c.status, c.action, both)
    sums: dict[int, OpenItems] = {}
    for row in connection.execute(
        select(*keys, *split_sum(c.lead_amount, "lead"), *split_sum(c.partner_amount, "partner"))
        .where(c.facility == facility, c.status != "matched")
        .group_by(*keys)
    ):
        account = sums.setdefault(row.partner, OpenItems())
        sign = effect_of(row.kind, row.target_kind)
        lead, partner = joined_sum(row, "lead"), joined_sum(row, "partner")
        if row.status == "within_tolerance" or (row.action in _ACCEPTING and row.both):
            account.accepted_difference += sign * (partner - lead)
        elif row.action is None:
            account.lead += sign * lead
            account.partner += sign * partner
    return sums


def book_days(source: FromClause) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """The days that the lead's and the partner's halves are recorded on, as the contract has them;
    `source` has the columns of `pairs`."""
    c = source.c
    return (
        func.coalesce(c.lead_book_day, c.lead_business_day),
        func.coalesce(c.partner_book_day, c.partner_business_day),
    )


def agreed_amount(source: FromClause) -> ColumnElement[int]:
    """What is agreed of a pair, minor units; null where nothing is. It is the lead's amount, but
    the partner's where the lead's half was corrected or made."""
    c = source.c
    settled = or_(c.status.in_(("matched", "within_tolerance")), c.action.is_not(None))
    agreed = case((c.resolved_side == "lead", c.partner_amount), else_=c.lead_amount)
    return case((settled & c.agreed_business_day.is_not(None), agreed))


def _of(table: FromClause, facility: Facility, partners: Any) -> list[ColumnElement[bool]]:
    return [table.c.facility == facility.number, table.c.partner.in_(list(partners))]


def _when(day: Any, low: int, high: int, name: str) -> ColumnElement[int]:
    return case((day < low, _BEFORE), (day <= high, _WITHIN), else_=_AFTER).label(name)


def _add(book: BookMovements, when: int, kind: int, value: int) -> None:
    """Count what moved a book before, within or after the dates."""
    if when == _BEFORE:
        book.opening += value
    else:
        book.add(kind, value, is_within=when == _WITHIN)


def _add_pairs(
    connection: Connection,
    source: FromClause,
    of: list[ColumnElement[bool]],
    low: int,
    high: int,
    accounts: dict[int, AccountMovements],
) -> None:
    """Add what the halves moved, and count the pairs, in one pass."""
    c = source.c
    lead_day, partner_day = book_days(source)
    counted_day = func.coalesce(c.lead_business_day, c.partner_business_day)
    rows = (
        select(
            c.partner,
            c.kind,
            c.target_kind,
            type_of_pair(source),
            _when(lead_day, low, high, "lead_when"),
            _when(partner_day, low, high, "partner_when"),
            _when(c.agreed_business_day, low, high, "agreed_when"),
            _when(counted_day, low, high, "counted_when"),
            c.lead_amount,
            c.partner_amount,
            agreed_amount(source).label("agreed_amount"),
        )
        .where(*of)
        .subquery()
    )
    r = rows.c
    keys = (
        r.partner, r.kind, r.target_kind, r.type,
        r.lead_when, r.partner_when, r.agreed_when, r.counted_when,
    )  # fmt: skip
    for row in connection.execute(
        select(
            *keys,
            func.count().label("pairs"),
            *split_sum(r.lead_amount, "lead"),
            *split_sum(r.partner_amount, "partner"),
            *split_sum(r.agreed_amount, "agreed"),
        ).group_by(*keys)
    ):
        account = accounts[row.partner]
        sign = effect_of(row.kind, row.target_kind)
        for book, name, when in (
            (account.lead_book, "lead", row.lead_when),
            (account.partner_book, "partner", row.partner_when),
            (account.agreed, "agreed", row.agreed_when),
        ):
            if row._mapping[f"{name}_high"] is not None:
                _add(book, when, row.kind, sign * joined_sum(row, name))
        if row.counted_when == _WITHIN:
            account.counts[row.type] += row.pairs


def _add_resolutions(
    connection: Connection,
    of: list[ColumnElement[bool]],
    low: int,
    high: int,
    accounts: dict[int, AccountMovements],
) -> None:
    """Add what resolutions moved in the banks' books: corrections, and halves that they made."""
    c = t.resolutions.c
    rows = (
        select(
            c.partner,
            c.moved_kind,
            _when(c.moved_day, low, high, "moved_when"),
            c.lead_moved,
            c.partner_moved,
        )
        .where(*of, c.moved_day.is_not(None))
        .subquery()
    )
    keys = (rows.c.partner, rows.c.moved_kind, rows.c.moved_when)
    for row in connection.execute(
        select(
            *keys,
            func.count(func.nullif(rows.c.lead_moved, 0)).label("lead_count"),
            func.count(func.nullif(rows.c.partner_moved, 0)).label("partner_count"),
            *split_sum(rows.c.lead_moved, "lead"),
            *split_sum(rows.c.partner_moved, "partner"),
        ).group_by(*keys)
    ):
        account = accounts[row.partner]
        if row.lead_count:
            _add(account.lead_book, row.moved_when, row.moved_kind, joined_sum(row, "lead"))
        if row.partner_count:
            _add(account.partner_book, row.moved_when, row.moved_kind, joined_sum(row, "partner"))
