"""How the reserve accounts moved: within a day by block time, and day by day.

What a query reads grows with the time that it is asked for, not with the pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from app.domain.business_date import BusinessCalendar
from app.domain.kinds import Kind
from app.readmodel import tables as t
from app.readmodel.accounts.movements import books_since
from app.readmodel.directory import Facility


class BooksAt(NamedTuple):
    """The books of an account at a time (seconds since 1970 UTC), minor units."""

    at: int
    lead_book: int
    partner_book: int
    agreed: int

    @property
    def balance(self) -> int:
        """The smaller book, by which alerts go."""
        return min(self.lead_book, self.partner_book)


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """A business date of a facility: from `begins` (the last cut-off, excluded) to `ends`, seconds
    since 1970 UTC."""

    date: date
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What one kind moved in the books of an account on one business date, signed by effect."""

    lead_book: int = 0
    partner_book: int = 0
    agreed: int = 0


@dataclass(slots=True)
class DailyMovements:
    """The books of an account now, and what moved them by business date and kind."""

    lead_book: int
    partner_book: int
    agreed: int
    days: dict[date, dict[Kind, Moved]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flows:
    """What was agreed on a business date, in minor units signed by effect: `lent` by drawdowns,
    `repaid` of principal, `interest` with penalties; fees, top-ups, withdrawals, reversals and
    corrections are other movements."""

    lent: int = 0
    repaid: int = 0
    interest: int = 0
    other_in: int = 0
    other_out: int = 0

    def __add__(self, other: "Flows") -> "Flows":
        return Flows(
            self.lent + other.lent,
            self.repaid + other.repaid,
            self.interest + other.interest,
            self.other_in + other.other_in,
            self.other_out + other.other_out,
        )


def flows(moved: Mapping[Kind, Moved]) -> Flows:
    """The agreed movements of a day, by what a treasurer asks for."""
    agreed = {kind: one.agreed for kind, one in moved.items()}
    lent, repaid = agreed.pop(Kind.DRAWDOWN, 0), agreed.pop(Kind.PRINCIPAL, 0)
    interest = agreed.pop(Kind.INTEREST, 0) + agreed.pop(Kind.PENALTY, 0)
    return Flows(
        lent,
        repaid,
        interest,
        sum(one for one in agreed.values() if one > 0),
        sum(one for one in agreed.values() if one < 0),
    )


def business_day_at(calendar: BusinessCalendar, now: datetime) -> BusinessDay:
    """The business date that is running."""
    day = calendar.business_day(now)
    begins, ends = calendar.cut_off_instant(day - 1), calendar.cut_off_instant(day)
    return BusinessDay(date.fromordinal(day), begins, ends)


def intraday(
    connection: Connection, facility: int, day: BusinessDay, partner: int | None = None
) -> dict[int, list[BooksAt]]:
    """By partner, the books since a business date began, from what they were then on: one point for
    every five minutes in which they moved, the oldest first. Where no block before had moved them,
    they begin with what legs of earlier business dates come to."""
    p, a, b = t.balance_points.c, t.accounts.c, t.balance_points.alias().c
    since = day.begins
    before = (
        select(func.max(b.at))
        .where(b.facility == a.facility, b.partner == a.partner, b.at <= since)
        .scalar_subquery()
    )
    of = [a.facility == facility]
    if partner is not None:
        of.append(a.partner == partner)
    found: dict[int, list[BooksAt]] = {}
    for row in connection.execute(
        select(t.balance_points)
        .join_from(
            t.accounts,
            t.balance_points,
            and_(
                p.facility == a.facility,
                p.partner == a.partner,
                p.at >= func.coalesce(before, since),
            ),
        )
        .where(*of)
        .order_by(p.partner, p.at)
    ):
        found.setdefault(row.partner, []).append(
            BooksAt(max(row.at, since), row.lead_book, row.partner_book, row.agreed)
        )
    new = [number for number, points in found.items() if points[0].at > since]
    for number, opening in _openings(connection, facility, day, new).items():
        found[number].insert(0, opening)
    return found


def _openings(
    connection: Connection, facility: int, day: BusinessDay, partners: Sequence[int]
) -> dict[int, BooksAt]:
    """The books of these partners' accounts less what is dated on a business date or later."""
    if not partners:
        return {}
    found: dict[int, BooksAt] = {}
    for row in connection.execute(books_since(facility, day.date.toordinal(), partners)):
        now = BooksAt(day.begins, row.lead_book_now, row.partner_book_now, row.agreed_now)
        books = found.get(row.partner, now)
        found[row.partner] = BooksAt(
            day.begins,
            books.lead_book - (row.lead_book or 0),
            books.partner_book - (row.partner_book or 0),
            books.agreed - (row.agreed or 0),
        )
    return found


def moved_on(connection: Connection, facility: int, day: date) -> dict[int, dict[Kind, Moved]]:
    """By partner and kind, what moved each account of a facility on a business date."""
    a, d = t.accounts.c, t.day_totals.c
    found: dict[int, dict[Kind, Moved]] = {}
    for row in connection.execute(
        select(d.partner, d.kind, d.lead_book, d.partner_book, d.agreed)
        .join_from(
            t.accounts,
            t.day_totals,
            and_(d.facility == a.facility, d.partner == a.partner, d.day == day.toordinal()),
        )
        .where(a.facility == facility)
    ):
        found.setdefault(row.partner, {})[Kind(row.kind)] = Moved(
            row.lead_book or 0, row.partner_book or 0, row.agreed or 0
        )
    return found


def daily(
    connection: Connection, facility: Facility, partner: int, first: date
) -> DailyMovements | None:
    """An account's movements from a business date on; None where this view does not hold it."""
    found: DailyMovements | None = None
    for row in connection.execute(books_since(facility.number, first.toordinal(), [partner])):
        if found is None:
            found = DailyMovements(row.lead_book_now, row.partner_book_now, row.agreed_now)
        if row.day is not None:
            of_day = found.days.setdefault(date.fromordinal(row.day), {})
            of_day[Kind(row.kind)] = Moved(
                row.lead_book or 0, row.partner_book or 0, row.agreed or 0
            )
    return found


def closing_balances(moved: DailyMovements, days: Sequence[date]) -> Mapping[date, tuple[int, int]]:
    """The lead's and the partner's book at the end of each of these days, consecutive ones, the
    oldest first. What is dated after the last of them is left out of it."""
    lead, partner = moved.lead_book, moved.partner_book
    after = [day for day in moved.days if day > days[-1]]
    for day in after:
        lead -= sum(one.lead_book for one in moved.days[day].values())
        partner -= sum(one.partner_book for one in moved.days[day].values())
    found = {}
    for day in reversed(days):
        found[day] = lead, partner
        for one in moved.days.get(day, {}).values():
            lead -= one.lead_book
            partner -= one.partner_book
    return dict(reversed(found.items()))
