"""Sums of the read model: balances with their proof, and movements between business dates.

Amounts reach 10^15, so a few thousand legs can pass 64 bits: the database adds up the high and the
low bits apart, Python puts them together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Row,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
)

from app.domain.kinds import Kind, effect
from app.readmodel import set_aside
from app.readmodel import tables as t
from app.readmodel.directory import directory, kind_name, to_date
from app.readmodel.results import (
    DUPLICATE_TYPES,
    TYPES,
    AccountMovements,
    Balance,
    BookMovements,
    Books,
    Facility,
)

_LOW_BITS = 24
# Written out: PostgreSQL shifts by a plain integer only.
_SHIFT: ColumnElement[int] = literal_column(str(_LOW_BITS), Integer)
_MASK: ColumnElement[int] = literal_column(str((1 << _LOW_BITS) - 1), Integer)
_ACCEPTING = ("force", "write_off")

# Word for word the condition of the partial index `ix_pairs_unmatched`.
_UNMATCHED: ColumnElement[bool] = literal_column("status <> 'matched'", Boolean)

# The days that the halves' movements are recorded on, as the contract has them.
LEAD_DAY = func.coalesce(t.pairs.c.lead_book_day, t.pairs.c.lead_business_day)
PARTNER_DAY = func.coalesce(t.pairs.c.partner_book_day, t.pairs.c.partner_business_day)


def balances(
    connection: Connection, facility: str | None = None, partner: str | None = None
) -> list[Balance]:
    """The reserve accounts of this view, in order of facility and partner."""
    names = directory(connection)
    unmatched = _unmatched_sums(connection)
    late = _overdue(connection)
    held, closed = set_aside.held(connection), set_aside.closed_through(connection)
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
                held=held.get(key, 0),
                closed_through=to_date(closed[key]) if key in closed else None,
                counts={name: getattr(row, name) for name in TYPES},
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
        select(*keys, *_split(c.lead_amount, "lead"), *_split(c.partner_amount, "partner"))
        .where(_UNMATCHED)
        .group_by(*keys)
    ):
        account = sums.setdefault((row.facility, row.partner), _Unmatched())
        sign = _effect(row.kind, row.target_kind)
        lead, partner = _joined(row, "lead"), _joined(row, "partner")
        if row.status == "within_tolerance" or (row.action in _ACCEPTING and row.both):
            account.accepted_difference += sign * (partner - lead)
        elif row.action is None:
            account.open_lead += sign * lead
            account.open_partner += sign * partner
    return sums


def _overdue(connection: Connection) -> dict[tuple[int, int], int]:
    c = t.pairs.c
    now = connection.execute(select(t.cursor.c.block_time)).scalar() or 0
    rows = connection.execute(
        select(c.facility, c.partner, func.count())
        .where(_UNMATCHED, c.status == "open", c.due_at < now, c.action.is_(None))
        .group_by(c.facility, c.partner)
    )
    return {(facility, partner): count for facility, partner, count in rows}


def _resolved(connection: Connection) -> dict[tuple[int, int], dict[str, int]]:
    """Resolved pairs by account and type."""
    c = t.pairs.c
    kind = _type_of_pair()
    found: dict[tuple[int, int], dict[str, int]] = {}
    for row in connection.execute(
        select(c.facility, c.partner, kind, func.count().label("pairs"))
        .where(_UNMATCHED, c.action.is_not(None))
        .group_by(c.facility, c.partner, kind)
    ):
        found.setdefault((row.facility, row.partner), {})[row.type] = row.pairs
    return found


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
        select(*keys, *_split(amount, "sum"))
        .where(c.facility == facility.number, day <= high, *conditions)
        .group_by(*keys)
    ):
        value = _effect(row.kind, row.target_kind) * _joined(row, "sum")
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
        select(*keys, *_split(moved, "sum"))
        .where(r.facility == facility.number, r.moved_day <= high, moved != 0)
        .group_by(*keys)
    ):
        value = _joined(row, "sum")
        so_far = book.get(row.partner, BookMovements(0))
        if row.before:
            book[row.partner] = BookMovements(so_far.opening + value, so_far.movements)
        else:
            name = kind_name(row.moved_kind)
            moved_so_far = so_far.movements.get(name, 0)
            book[row.partner] = BookMovements(
                so_far.opening, {**so_far.movements, name: moved_so_far + value}
            )


def _type_of_pair() -> Any:
    c = t.pairs.c
    return case(
        (and_(c.status == "open", c.partner_amount.is_(None)), "missing_at_partner"),
        (c.status == "open", "missing_at_lead"),
        else_=c.status,
    ).label("type")


def _counts(
    connection: Connection, facility: Facility, low: int, high: int
) -> dict[tuple[int, str], int]:
    c = t.pairs.c
    day = func.coalesce(c.lead_business_day, c.partner_business_day)
    kind = _type_of_pair()
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
        assert f"duplicate_at_{side}" in DUPLICATE_TYPES
        found[partner, f"duplicate_at_{side}"] = count
    return found


def _split(amount: Any, name: str) -> Iterator[ColumnElement[Any]]:
    yield func.sum(amount.op(">>")(_SHIFT)).label(f"{name}_high")
    yield func.sum(amount.op("&")(_MASK)).label(f"{name}_low")


def _joined(row: Row[Any], name: str) -> int:
    mapping = row._mapping
    high, low = mapping[f"{name}_high"], mapping[f"{name}_low"]
    return 0 if high is None else (int(high) << _LOW_BITS) + int(low)


def _effect(kind: int, target_kind: int) -> int:
    return effect(Kind(kind), Kind(target_kind) if target_kind else None)
