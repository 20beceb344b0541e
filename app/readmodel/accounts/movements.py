"""Movements of the reserve accounts between two business dates.

Read from the totals that the indexer keeps by day and kind: what a query reads grows with the days
since the first one asked for, not with the pairs.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, and_, select

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

    def add(self, kind: int, moved: int, *, is_within: bool) -> None:
        """Count what moved the book between the dates, or later."""
        if is_within:
            name = kind_name(kind)
            self.movements[name] = self.movements.get(name, 0) + moved
        else:
            self.after += moved


@dataclass(frozen=True, slots=True)
class AccountMovements:
    """The three books of one account. `counts`: pairs and duplicate legs whose business date (the
    lead half's, or else the partner half's) lies between the dates, by type."""

    partner: str
    lead_book: BookMovements = field(default_factory=BookMovements)
    partner_book: BookMovements = field(default_factory=BookMovements)
    agreed: BookMovements = field(default_factory=BookMovements)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PAIR_TYPES, 0))


_BOOKS = ("lead_book", "partner_book", "agreed")


def books_since(facility: int, first: int, partners: Collection[int] | None) -> Select[Any]:
    """The books of a facility's accounts now (`lead_book_now`, ...), of all or of these partners
    (numbers), each beside what has moved it by day and kind since a day (ordinal), null where
    nothing has. One statement: they must be of one block."""
    a, d = t.accounts.c, t.day_totals.c
    query = (
        select(
            a.partner,
            *(a[name].label(f"{name}_now") for name in _BOOKS),
            d.day,
            d.kind,
            *(d[name] for name in _BOOKS),
        )
        .outerjoin(
            t.day_totals,
            and_(d.facility == a.facility, d.partner == a.partner, d.day >= first),
        )
        .where(a.facility == facility)
        .order_by(a.partner, d.day, d.kind)
    )
    return query if partners is None else query.where(a.partner.in_(partners))


def movements(
    connection: Connection, facility: Facility, first: date, last: date, partner: int | None = None
) -> list[AccountMovements]:
    """The three books of each account that this view holds, `first` and `last` included; of all
    accounts, or of one partner's (its number).

    An opening is what the book holds now less what moved it since.
    """
    low, high = first.toordinal(), last.toordinal()
    partners = None if partner is None else [partner]
    found: dict[int, AccountMovements] = {}
    for row in connection.execute(books_since(facility.number, low, partners)).mappings():
        account = found.get(row["partner"])
        if account is None:
            account = found[row["partner"]] = AccountMovements(
                facility.partners[row["partner"] - 1].name,
                BookMovements(row["lead_book_now"]),
                BookMovements(row["partner_book_now"]),
                BookMovements(row["agreed_now"]),
            )
        for name in _BOOKS:
            if row[name] is not None:
                book: BookMovements = getattr(account, name)
                book.opening -= row[name]
                book.add(row["kind"], row[name], is_within=row["day"] <= high)
    c = t.day_counts.c
    for partner_, type_, count in connection.execute(
        select(c.partner, c.type, c.count).where(
            c.facility == facility.number, c.partner.in_(found), c.day.between(low, high)
        )
    ):
        found[partner_].counts[type_] += count
    return list(found.values())
