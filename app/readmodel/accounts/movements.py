"""Movements of the reserve accounts between two business dates.

Read from the totals that the indexer keeps by day and kind: what a query reads grows with the days
since the first one asked for, not with the pairs.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select

from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel import tables as t
from app.readmodel.directory import Facility
from app.readmodel.values import kind_name


@dataclass(slots=True)
class BookMovements:
    """One book of one account between two business dates: opening + movements = closing."""

    opening: int = 0
    movements: dict[str, int] = field(default_factory=dict)
    """Kind to the sum of its effects; kinds without a leg are absent."""
    after: int = 0
    """What moved it on later business dates."""

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


_BOOKS = ("lead_book", "partner_book", "agreed")


def movements(
    connection: Connection, facility: Facility, first: date, last: date, partner: int | None = None
) -> list[AccountMovements]:
    """The three books of each account that this view holds, `first` and `last` included; of all
    accounts, or of one partner's (its number).

    An opening is what the book holds now less what moved it since.
    """
    low, high = first.toordinal(), last.toordinal()
    a, d = t.accounts.c, t.day_totals.c
    found: dict[int, AccountMovements] = {}
    # Books and days in one statement: they must be of one block.
    for row in connection.execute(
        select(
            a.partner,
            *(a[name].label(f"{name}_now") for name in _BOOKS),
            d.day,
            d.kind,
            *(d[name] for name in _BOOKS),
        )
        .outerjoin(
            t.day_totals,
            and_(d.facility == a.facility, d.partner == a.partner, d.day >= low),
        )
        .where(*_of(t.accounts, facility, partner))
        .order_by(a.partner)
    ).mappings():
        account = found.get(row["partner"])
        if account is None:
            account = found[row["partner"]] = AccountMovements(
                partner=facility.partners[row["partner"] - 1].name,
                lead_book=BookMovements(row["lead_book_now"]),
                partner_book=BookMovements(row["partner_book_now"]),
                agreed=BookMovements(row["agreed_now"]),
                counts=dict.fromkeys(PAIR_TYPES, 0),
            )
        for name in _BOOKS:
            if row[name] is not None:
                _add(getattr(account, name), row["day"] <= high, row["kind"], row[name])
    c = t.day_counts.c
    for partner_, type_, count in connection.execute(
        select(c.partner, c.type, c.count).where(
            *_of(t.day_counts, facility, partner), c.day.between(low, high)
        )
    ):
        found[partner_].counts[type_] += count
    return list(found.values())


def _add(book: BookMovements, is_within: bool, kind: int, moved: int) -> None:
    """Count what moved a book since the first day: it is not of the opening."""
    book.opening -= moved
    if is_within:
        name = kind_name(kind)
        book.movements[name] = book.movements.get(name, 0) + moved
    else:
        book.after += moved


def _of(table: Any, facility: Facility, partner: int | None) -> list[ColumnElement[bool]]:
    of = [table.c.facility == facility.number]
    return of if partner is None else [*of, table.c.partner == partner]
