"""Balances of the reserve accounts, with their proof."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel import tables as t
from app.readmodel.accounts.holds import held
from app.readmodel.accounts.sums import effect_of, joined_sum, split_sum, type_of_pair
from app.readmodel.chain import clock
from app.readmodel.directory import directory
from app.readmodel.pairs.shapes import BREAK_TYPES
from app.readmodel.pairs.tables import UNMATCHED
from app.readmodel.values import to_date

_ACCEPTING = ("force", "write_off")


@dataclass(frozen=True, slots=True)
class Books:
    """The sums of one reserve account, signed by effect on the reserve."""

    lead_book: int
    partner_book: int
    agreed: int
    open_lead: int
    open_partner: int
    accepted_difference: int


@dataclass(frozen=True, slots=True)
class Balance:
    """One reserve account.

    `proof` is the part of the difference between the contract's two books that open legs and
    accepted differences do not explain, these summed row by row in the read model: it must be 0.
    None while the contract's books were not read since the account last moved (catching up).
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
    """The reserve accounts of this view, in order of facility and partner."""
    names = directory(connection)
    unmatched = _unmatched_sums(connection)
    late = _overdue(connection)
    reserved, closed = held(connection), _closed_through(connection)
    resolved = _resolved(connection)
    found: list[Balance] = []
    for row in connection.execute(
        select(t.accounts).order_by(t.accounts.c.facility, t.accounts.c.partner)
    ):
        terms = names.facilities[row.facility]
        holder = terms.partners[row.partner - 1]
        if facility not in (None, terms.id) or partner not in (None, holder.name):
            continue
        contract = _contract_books(row)
        key = (row.facility, row.partner)
        current = contract is not None and row.contract_block == row.last_block
        found.append(
            Balance(
                facility=terms.id,
                partner=holder.name,
                currency=terms.currency,
                decimals=terms.decimals,
                books=Books(
                    row.lead_book,
                    row.partner_book,
                    row.agreed,
                    row.open_lead,
                    row.open_partner,
                    row.accepted_difference,
                ),
                contract=contract,
                proof=(
                    unmatched.get(key, _Unmatched()).proof(contract)
                    if contract is not None and current
                    else None
                ),
                low_balance=holder.low_balance,
                held=reserved.get(key, 0),
                closed_through=to_date(closed[key]) if key in closed else None,
                counts={name: getattr(row, name) for name in PAIR_TYPES},
                resolved=resolved.get(key, {}),
                overdue=late.get(key, 0),
                last_block=row.last_block,
            )
        )
    return found


@dataclass(slots=True)
class _Unmatched:
    """What explains a difference between the two books of one account."""

    open_lead: int = 0
    open_partner: int = 0
    accepted_difference: int = 0

    def proof(self, contract: Books) -> int:
        explained = self.open_partner - self.open_lead + self.accepted_difference
        return contract.partner_book - contract.lead_book - explained


def _unmatched_sums(connection: Connection) -> dict[tuple[int, int], _Unmatched]:
    c = t.pairs.c
    # Of two halves only the difference can be accepted; of one, nothing is left open.
    both = and_(c.lead_amount.is_not(None), c.partner_amount.is_not(None)).label("both")
    keys = (c.facility, c.partner, c.kind, c.target_kind, c.status, c.action, both)
    sums: dict[tuple[int, int], _Unmatched] = {}
    for row in connection.execute(
        select(*keys, *split_sum(c.lead_amount, "lead"), *split_sum(c.partner_amount, "partner"))
        .where(UNMATCHED)
        .group_by(*keys)
    ):
        account = sums.setdefault((row.facility, row.partner), _Unmatched())
        sign = effect_of(row.kind, row.target_kind)
        lead, partner = joined_sum(row, "lead"), joined_sum(row, "partner")
        if row.status == "within_tolerance" or (row.action in _ACCEPTING and row.both):
            account.accepted_difference += sign * (partner - lead)
        elif row.action is None:
            account.open_lead += sign * lead
            account.open_partner += sign * partner
    return sums


def _overdue(connection: Connection) -> dict[tuple[int, int], int]:
    c = t.pairs.c
    now = clock(connection)
    rows = connection.execute(
        select(c.facility, c.partner, func.count())
        .where(UNMATCHED, c.status == "open", c.due_at < now, c.action.is_(None))
        .group_by(c.facility, c.partner)
    )
    return {(facility, partner): count for facility, partner, count in rows}


def _resolved(connection: Connection) -> dict[tuple[int, int], dict[str, int]]:
    """Resolved pairs by account and type."""
    c = t.pairs.c
    kind = type_of_pair()
    found: dict[tuple[int, int], dict[str, int]] = {}
    for row in connection.execute(
        select(c.facility, c.partner, kind, func.count().label("pairs"))
        .where(UNMATCHED, c.action.is_not(None))
        .group_by(c.facility, c.partner, kind)
    ):
        found.setdefault((row.facility, row.partner), {})[row.type] = row.pairs
    return found


def _closed_through(connection: Connection) -> dict[tuple[int, int], int]:
    """The last closed day (ordinal) by facility and partner number; absent where none is."""
    c = t.day_closes.c
    rows = connection.execute(
        select(c.facility, c.partner, func.max(c.day))
        .where(c.state == "closed")
        .group_by(c.facility, c.partner)
    )
    return {(facility, partner): day for facility, partner, day in rows}


def _contract_books(row: Row[Any]) -> Books | None:
    if row.contract_block is None:
        return None
    return Books(
        row.contract_lead_book,
        row.contract_partner_book,
        row.contract_agreed,
        row.contract_open_lead,
        row.contract_open_partner,
        row.contract_accepted_difference,
    )
