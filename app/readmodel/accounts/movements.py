"""Movements of the reserve accounts between two business dates."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from app.readmodel import tables as t
from app.readmodel.accounts.sums import effect_of, joined_sum, split_sum, type_of_pair
from app.readmodel.directory import Facility
from app.readmodel.pairs.shapes import TYPES
from app.readmodel.values import kind_name

# The days that the halves' movements are recorded on, as the contract has them.
LEAD_DAY = func.coalesce(t.pairs.c.lead_book_day, t.pairs.c.lead_business_day)
PARTNER_DAY = func.coalesce(t.pairs.c.partner_book_day, t.pairs.c.partner_business_day)


@dataclass(frozen=True, slots=True)
class BookMovements:
    """One book of one account between two business dates: opening + movements = closing."""

    opening: int
    movements: dict[str, int] = field(default_factory=dict)
    """Kind to the sum of its effects; kinds without a leg are absent."""

    @property
    def closing(self) -> int:
        return self.opening + sum(self.movements.values())


@dataclass(frozen=True, slots=True)
class AccountMovements:
    """The three books of one account. `counts`: pairs and duplicate legs whose business date (the
    lead half's, or else the partner half's) lies between the dates, by type."""

    partner: str
    lead_book: BookMovements
    partner_book: BookMovements
    agreed: BookMovements
    counts: dict[str, int]


def movements(
    connection: Connection, facility: Facility, first: date, last: date
) -> list[AccountMovements]:
    """The three books of each account that this view holds, `first` and `last` included."""
    c = t.pairs.c
    low, high = first.toordinal(), last.toordinal()
    accounts = connection.execute(
        select(t.accounts.c.partner)
        .where(t.accounts.c.facility == facility.number)
        .order_by(t.accounts.c.partner)
    ).scalars()
    settled = or_(c.status.in_(("matched", "within_tolerance")), c.action.is_not(None))
    # What is agreed is the lead's amount, but where the lead's half was corrected or made.
    agreed = case((c.resolved_side == "lead", c.partner_amount), else_=c.lead_amount)
    books = {
        "lead": _book(connection, facility, LEAD_DAY, c.lead_amount, low, high),
        "partner": _book(connection, facility, PARTNER_DAY, c.partner_amount, low, high),
        "agreed": _book(connection, facility, c.agreed_business_day, agreed, low, high, settled),
    }
    r = t.resolutions.c
    _add_moved(connection, facility, r.lead_moved, books["lead"], low, high)
    _add_moved(connection, facility, r.partner_moved, books["partner"], low, high)
    counts = _counts(connection, facility, low, high)
    empty = BookMovements(0)
    return [
        AccountMovements(
            partner=facility.partners[number - 1].name,
            lead_book=books["lead"].get(number, empty),
            partner_book=books["partner"].get(number, empty),
            agreed=books["agreed"].get(number, empty),
            counts={name: counts.get((number, name), 0) for name in TYPES},
        )
        for number in accounts
    ]


def _book(
    connection: Connection,
    facility: Facility,
    day: Any,
    amount: Any,
    low: int,
    high: int,
    *conditions: ColumnElement[bool],
) -> dict[int, BookMovements]:
    """One book of every account, by partner."""
    c = t.pairs.c
    before = case((day < low, 1), else_=0).label("before")
    keys = (c.partner, c.kind, c.target_kind, before)
    openings: dict[int, int] = {}
    moved: dict[int, dict[str, int]] = {}
    for row in connection.execute(
        select(*keys, *split_sum(amount, "sum"))
        .where(c.facility == facility.number, day <= high, *conditions)
        .group_by(*keys)
    ):
        value = effect_of(row.kind, row.target_kind) * joined_sum(row, "sum")
        if row.before:
            openings[row.partner] = openings.get(row.partner, 0) + value
        else:
            by_kind = moved.setdefault(row.partner, {})
            name = kind_name(row.kind)
            by_kind[name] = by_kind.get(name, 0) + value
    return {
        partner: BookMovements(openings.get(partner, 0), moved.get(partner, {}))
        for partner in openings.keys() | moved.keys()
    }


def _add_moved(
    connection: Connection,
    facility: Facility,
    moved: Any,
    book: dict[int, BookMovements],
    low: int,
    high: int,
) -> None:
    """Add what resolutions moved in one book: corrections, and halves that they made."""
    r = t.resolutions.c
    before = case((r.moved_day < low, 1), else_=0).label("before")
    keys = (r.partner, r.moved_kind, before)
    for row in connection.execute(
        select(*keys, *split_sum(moved, "sum"))
        .where(r.facility == facility.number, r.moved_day <= high, moved != 0)
        .group_by(*keys)
    ):
        value = joined_sum(row, "sum")
        so_far = book.get(row.partner, BookMovements(0))
        if row.before:
            book[row.partner] = BookMovements(so_far.opening + value, so_far.movements)
        else:
            name = kind_name(row.moved_kind)
            moved_so_far = so_far.movements.get(name, 0)
            book[row.partner] = BookMovements(
                so_far.opening, {**so_far.movements, name: moved_so_far + value}
            )


def _counts(
    connection: Connection, facility: Facility, low: int, high: int
) -> dict[tuple[int, str], int]:
    c = t.pairs.c
    day = func.coalesce(c.lead_business_day, c.partner_business_day)
    kind = type_of_pair()
    found = {
        (partner, name): count
        for partner, name, count in connection.execute(
            select(c.partner, kind, func.count())
            .where(c.facility == facility.number, day.between(low, high))
            .group_by(c.partner, kind)
        )
    }
    r = t.rejections.c
    for partner, side, count in connection.execute(
        select(r.partner, r.side, func.count())
        .where(
            r.facility == facility.number,
            r.reason == "duplicate",
            r.business_day.between(low, high),
        )
        .group_by(r.partner, r.side)
    ):
        found[partner, f"duplicate_at_{side}"] = count
    return found
