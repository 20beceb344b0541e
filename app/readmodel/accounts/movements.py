"""Movements of the reserve accounts between two business dates."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel import tables as t
from app.readmodel.accounts.sums import effect_of, joined_sum, split_sum, type_of_pair
from app.readmodel.directory import Facility
from app.readmodel.values import kind_name

# The days that the halves' movements are recorded on, as the contract has them.
LEAD_DAY = func.coalesce(t.pairs.c.lead_book_day, t.pairs.c.lead_business_day)
PARTNER_DAY = func.coalesce(t.pairs.c.partner_book_day, t.pairs.c.partner_business_day)

_BEFORE, _WITHIN, _AFTER = 0, 1, 2


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

    def add(self, when: int, kind: int, value: int) -> None:
        """Count what moved the book before, within or after the dates."""
        if when == _BEFORE:
            self.opening += value
        elif when == _WITHIN:
            name = kind_name(kind)
            self.movements[name] = self.movements.get(name, 0) + value
        else:
            self.after += value


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
    connection: Connection, facility: Facility, first: date, last: date, partner: int | None = None
) -> list[AccountMovements]:
    """The three books of each account that this view holds, `first` and `last` included; of all
    accounts, or of one partner's (its number)."""
    accounts = {
        number: AccountMovements(
            partner=facility.partners[number - 1].name,
            lead_book=BookMovements(),
            partner_book=BookMovements(),
            agreed=BookMovements(),
            counts=dict.fromkeys(PAIR_TYPES, 0),
        )
        for number in connection.execute(
            select(t.accounts.c.partner)
            .where(*_of(t.accounts, facility, partner))
            .order_by(t.accounts.c.partner)
        ).scalars()
    }
    low, high = first.toordinal(), last.toordinal()
    _add_pairs(connection, _of(t.pairs, facility, partner), low, high, accounts)
    _add_resolutions(connection, _of(t.resolutions, facility, partner), low, high, accounts)
    _add_duplicates(connection, _of(t.rejections, facility, partner), low, high, accounts)
    return list(accounts.values())


def _of(table: Any, facility: Facility, partner: int | None) -> list[ColumnElement[bool]]:
    of = [table.c.facility == facility.number]
    return of if partner is None else [*of, table.c.partner == partner]


def _when(day: Any, low: int, high: int, name: str) -> ColumnElement[int]:
    return case((day < low, _BEFORE), (day <= high, _WITHIN), else_=_AFTER).label(name)


def _add_pairs(
    connection: Connection,
    of: list[ColumnElement[bool]],
    low: int,
    high: int,
    accounts: dict[int, AccountMovements],
) -> None:
    """Add what the halves moved, and count the pairs: all books in one pass over the history."""
    c = t.pairs.c
    settled = or_(c.status.in_(("matched", "within_tolerance")), c.action.is_not(None))
    # What is agreed is the lead's amount, but where the lead's half was corrected or made.
    agreed = case((c.resolved_side == "lead", c.partner_amount), else_=c.lead_amount)
    rows = (
        select(
            c.partner,
            c.kind,
            c.target_kind,
            type_of_pair(),
            _when(LEAD_DAY, low, high, "lead_when"),
            _when(PARTNER_DAY, low, high, "partner_when"),
            _when(c.agreed_business_day, low, high, "agreed_when"),
            _when(
                func.coalesce(c.lead_business_day, c.partner_business_day),
                low,
                high,
                "counted_when",
            ),
            c.lead_amount,
            c.partner_amount,
            case((settled & c.agreed_business_day.is_not(None), agreed)).label("agreed_amount"),
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
                book.add(when, row.kind, sign * joined_sum(row, name))
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
            account.lead_book.add(row.moved_when, row.moved_kind, joined_sum(row, "lead"))
        if row.partner_count:
            account.partner_book.add(row.moved_when, row.moved_kind, joined_sum(row, "partner"))


def _add_duplicates(
    connection: Connection,
    of: list[ColumnElement[bool]],
    low: int,
    high: int,
    accounts: dict[int, AccountMovements],
) -> None:
    c = t.rejections.c
    for partner, side, count in connection.execute(
        select(c.partner, c.side, func.count())
        .where(*of, c.reason == "duplicate", c.business_day.between(low, high))
        .group_by(c.partner, c.side)
    ):
        if partner in accounts:
            accounts[partner].counts[f"duplicate_at_{side}"] += count
