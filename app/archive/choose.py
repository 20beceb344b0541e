"""What may leave the database: what two banks have closed, and nobody works on any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select

from app.readmodel.directory import Facility
from app.readmodel.pairs.tables import REVERSALS, pairs
from app.readmodel.tables import accounts, day_closes
from app.readmodel.values import to_date

_DAYS = ("lead_business_day", "partner_business_day", "agreed_business_day")
_BOOK_DAYS = ("lead_book_day", "partner_book_day")


@dataclass(frozen=True, slots=True)
class Month:
    """`name`: YYYY-MM, of the agreed business days; `first` and `last`: ordinals."""

    name: str
    first: int
    last: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a facility may be archived. `limits`: by partner number, the first day (ordinal) that
    stays; `held_back`: for people, why some days before the date asked for stay."""

    facility: Facility
    limits: dict[int, int]
    held_back: Sequence[str]

    @property
    def limit(self) -> int:
        """The first day that stays for any account."""
        return min(self.limits.values(), default=0)

    def eligible(self) -> ColumnElement[bool]:
        """The pairs: equal, resolved by nobody, neither reversals nor reversed, and all days that
        they moved a book on closed by both banks."""
        c = pairs.c
        closed = []
        for partner, limit in self.limits.items():
            days = [c[name] < limit for name in _DAYS]
            days += [or_(c[name].is_(None), c[name] < limit) for name in _BOOK_DAYS]
            closed.append(and_(c.partner == partner, *days))
        return and_(
            c.facility == self.facility.number,
            c.status == "matched",
            c.action.is_(None),
            ~REVERSALS,
            ~c.lead_reversed,
            ~c.partner_reversed,
            or_(false(), *closed),
        )


def choose(connection: Connection, facility: Facility, before: date) -> Choice:
    """What of a facility may be archived that is of days before a date."""
    c = day_closes.c
    limits: dict[int, int] = {}
    held_back: list[str] = []
    for partner in connection.execute(
        select(accounts.c.partner).where(accounts.c.facility == facility.number)
    ).scalars():
        name = facility.partners[partner - 1].name
        of_account = (c.facility == facility.number, c.partner == partner, c.state == "closed")
        closed = connection.execute(select(func.max(c.day)).where(*of_account)).scalar() or 0
        reopening = connection.execute(
            select(c.day).where(*of_account, c.reopen_by.is_not(None), c.reopened_at.is_(None))
        ).scalars()
        reopened = min(reopening, default=closed + 1)
        limits[partner] = min(before.toordinal(), closed + 1, reopened)
        if limits[partner] < before.toordinal():
            held_back.append(
                f"{name}: a reopening of {to_date(reopened)} waits"
                if reopened <= closed
                else f"{name}: closed through {to_date(closed)}"
                if closed
                else f"{name}: no day is closed"
            )
    return Choice(facility, limits, held_back)


def months(connection: Connection, choice: Choice) -> list[Month]:
    """The months whose pairs may be archived, the oldest first."""
    day = pairs.c.agreed_business_day
    found: dict[str, list[tuple[int, int]]] = {}
    for number, count in connection.execute(
        select(day, func.count()).where(choice.eligible()).group_by(day).order_by(day)
    ):
        found.setdefault(to_date(number).strftime("%Y-%m"), []).append((number, count))
    return [
        Month(name, days[0][0], days[-1][0], sum(count for _, count in days))
        for name, days in found.items()
    ]
