"""What pairs and resolutions moved on single days, added up beside the contract's own totals."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, select

from app.domain.day_close import Sums
from app.readmodel.accounts.movements_as_of import agreed_amount, book_days
from app.readmodel.accounts.sums import effect_of, joined_sum, split_sum
from app.readmodel.pairs.tables import pairs, resolutions

Days = dict[tuple[int, int], Sums]
"""By partner number and day: what moved the lead's book, the partner's, and the agreed amount."""

_NOTHING = Sums(0, 0, 0)
_COLUMN = {one.name: place for place, one in enumerate(pairs.columns)}


def add(days: Days, key: tuple[int, int], moved: Sums | None) -> None:
    """Add what moved the books on a day."""
    if moved is not None:
        days[key] = days.get(key, _NOTHING) + moved


def of_rows(rows: Iterable[Sequence[Any]]) -> Days:
    """Of archived pairs (rows in the order of the columns), whose agreed amount is the lead's."""
    moved: Days = {}

    def cell(row: Sequence[Any], name: str) -> Any:
        return row[_COLUMN[name]]

    for row in rows:
        partner, sign = cell(row, "partner"), effect_of(cell(row, "kind"), 0)
        lead, other = sign * cell(row, "lead_amount"), sign * cell(row, "partner_amount")
        lead_day = cell(row, "lead_book_day") or cell(row, "lead_business_day")
        other_day = cell(row, "partner_book_day") or cell(row, "partner_business_day")
        add(moved, (partner, lead_day), Sums(lead, 0, 0))
        add(moved, (partner, other_day), Sums(0, other, 0))
        add(moved, (partner, cell(row, "agreed_business_day")), Sums(0, 0, lead))
    return moved


def of_database(
    connection: Connection, source: FromClause, facility: int, first: int, last: int
) -> Days:
    """Of the pairs of `source`, and of accepted resolutions, on days from `first` to `last`."""
    moved: Days = {}
    c, r = source.c, resolutions.c
    lead_day, partner_day = book_days(source)
    signed = (c.kind, c.target_kind)
    for book, table, day, amount, kinds in (
        ("lead", source, lead_day, c.lead_amount, signed),
        ("partner", source, partner_day, c.partner_amount, signed),
        ("agreed", source, c.agreed_business_day, agreed_amount(source), signed),
        ("lead", resolutions, r.moved_day, r.lead_moved, ()),
        ("partner", resolutions, r.moved_day, r.partner_moved, ()),
    ):
        for row in _grouped(connection, table, facility, day, amount, kinds, first, last):
            value = joined_sum(row, "moved")
            sign = effect_of(row.kind, row.target_kind) if kinds else 1
            one = {"lead": 0, "partner": 0, "agreed": 0} | {book: sign * value}
            add(moved, (row.partner, row.day), Sums(**one))
    return moved


def _grouped(
    connection: Connection,
    table: FromClause,
    facility: int,
    day: Any,
    amount: Any,
    kinds: Sequence[Any],
    first: int,
    last: int,
) -> Iterator[Any]:
    rows = (
        select(table.c.partner, day.label("day"), *kinds, amount.label("amount"))
        .where(table.c.facility == facility, day.between(first, last), amount.is_not(None))
        .subquery()
    )
    keys = [one for one in rows.c if one.name != "amount"]
    yield from connection.execute(select(*keys, *split_sum(rows.c.amount, "moved")).group_by(*keys))
