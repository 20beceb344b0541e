"""Balances of the reserve accounts, with their proof."""

from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, select

from app.domain.matching.books import Books
from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel import tables as t
from app.readmodel.accounts.holds import held
from app.readmodel.accounts.sums import effect_of, joined_sum, split_sum, type_of_pair
from app.readmodel.chain import clock
from app.readmodel.directory import directory
from app.readmodel.facilities.sight import in_sight
from app.readmodel.pairs.shapes import BREAK_TYPES, DUPLICATE_TYPES, MATCHED_TYPES
from app.readmodel.pairs.tables import OPEN
from app.readmodel.values import to_date


@dataclass(frozen=True, slots=True)
class Balance:
    """One reserve account.

    `proof` is the part of the difference between the contract's two books that open legs and
    accepted differences do not explain: it must be 0. Open legs are summed row by row where they
    are read, accepted differences were pair by pair as they arose. None while the contract's books
    were not read since the account last moved (catching up).
    """

    facility: str
    partner: str
    currency: str
    decimals: int
    books: Books
    """Kept leg by leg by the indexer, outside the contract."""
    contract: Books | None
    """The contract's own; None before they were first read."""
    proof: int | None
    low_balance: int
    held: int
    """What active holds reserve."""
    closed_through: date | None
    """The last closed business day."""
    counts: dict[str, int]
    """Pairs and duplicate legs by type (`PAIR_TYPES`); a resolved pair stays under the type with
    which it broke."""
    resolved: dict[str, int]
    """Those of them that the two banks have resolved."""
    overdue: int
    """One-sided pairs past their deadline at the cursor's block."""
    last_block: int
    """The block that last moved the account; 0 = none yet."""

    @property
    def open_legs(self) -> int:
        """Halves that are open: one of a one-sided pair, both of an unresolved break."""
        counts = self.open_counts
        one_sided = counts["missing_at_partner"] + counts["missing_at_lead"]
        broken = counts["amount"] + counts["date"] + counts["amount_and_date"]
        return one_sided + 2 * broken

    @property
    def breaks(self) -> int:
        """Pairs and duplicate legs that are breaks, one-sided ones included, unless resolved."""
        return sum(self.open_counts[name] for name in BREAK_TYPES)

    @property
    def open_counts(self) -> dict[str, int]:
        """`counts` without what was resolved."""
        return {name: count - self.resolved.get(name, 0) for name, count in self.counts.items()}

    @property
    def balance(self) -> int:
        """The smaller book: what no bank disputes to be there. Alerts go by it."""
        books = self.contract or self.books
        return min(books.lead_book, books.partner_book)

    @property
    def available(self) -> int:
        """The balance less the active holds, stated low on purpose."""
        return self.balance - self.held

    @property
    def low(self) -> bool:
        return self.balance < self.low_balance

    @property
    def shortfall(self) -> int:
        """How far the balance is below zero; 0 when it is not."""
        return max(0, -self.balance)


def balances(
    connection: Connection, facility: str | None = None, partner: str | None = None
) -> list[Balance]:
    """The reserve accounts of this view, in order of facility and partner; unless a facility is
    named, of those that are in sight."""
    names = directory(connection)
    unsettled = _open(connection)
    reserved = held(connection)
    a, c = t.accounts.c, t.day_closes.c
    last_closed = (
        select(func.max(c.day))
        .where(c.facility == a.facility, c.partner == a.partner, c.state == "closed")
        .scalar_subquery()
    )
    asked = select(t.accounts, last_closed.label("closed_through")).order_by(a.facility, a.partner)
    if facility is None:
        asked = asked.where(a.facility.in_(select(t.facilities.c.number).where(in_sight())))
    found: list[Balance] = []
    for row in connection.execute(asked):
        terms = names.facilities[row.facility]
        holder = terms.partners[row.partner - 1]
        if facility not in (None, terms.id) or partner not in (None, holder.name):
            continue
        contract = None if row.contract_block is None else _books(row, "contract_")
        key = (row.facility, row.partner)
        current = contract is not None and row.contract_block == row.last_block
        is_open = unsettled.get(key) or _Open()
        found.append(
            Balance(
                facility=terms.id,
                partner=holder.name,
                currency=terms.currency,
                decimals=terms.decimals,
                books=_books(row),
                contract=contract,
                proof=(
                    is_open.proof(contract, row.accepted_difference)
                    if contract is not None and current
                    else None
                ),
                low_balance=holder.low_balance,
                held=reserved.get(key, 0),
                closed_through=None if row.closed_through is None else to_date(row.closed_through),
                counts={name: getattr(row, name) for name in PAIR_TYPES},
                resolved={
                    name: resolved
                    for name in _RESOLVABLE
                    if (resolved := getattr(row, name) - is_open.counts.get(name, 0))
                },
                overdue=is_open.overdue,
                last_block=row.last_block,
            )
        )
    return found


_RESOLVABLE = [name for name in PAIR_TYPES if name not in (*MATCHED_TYPES, *DUPLICATE_TYPES)]


@dataclass(slots=True)
class _Open:
    """The pairs of one account with open legs."""

    lead: int = 0
    partner: int = 0
    overdue: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def proof(self, contract: Books, accepted_difference: int) -> int:
        explained = self.partner - self.lead + accepted_difference
        return contract.partner_book - contract.lead_book - explained


def _open(connection: Connection) -> dict[tuple[int, int], _Open]:
    c = t.pairs.c
    late = case((and_(c.status == "open", c.due_at < clock(connection)), 1), else_=0).label("late")
    keys = (c.facility, c.partner, c.kind, c.target_kind, type_of_pair(), late)
    found: dict[tuple[int, int], _Open] = {}
    for row in connection.execute(
        select(
            *keys,
            func.count().label("pairs"),
            *split_sum(c.lead_amount, "lead"),
            *split_sum(c.partner_amount, "partner"),
        )
        .where(OPEN)
        .group_by(*keys)
    ):
        account = found.setdefault((row.facility, row.partner), _Open())
        sign = effect_of(row.kind, row.target_kind)
        account.lead += sign * joined_sum(row, "lead")
        account.partner += sign * joined_sum(row, "partner")
        account.overdue += row.pairs if row.late else 0
        account.counts[row.type] = account.counts.get(row.type, 0) + row.pairs
    return found


def _books(row: Row[Any], prefix: str = "") -> Books:
    return Books(*(getattr(row, prefix + one.name) for one in fields(Books)))
