"""What stands around the reserve accounts: holds, alerts, closed days, a bank's own statement."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, false, select, tuple_

from app.domain.day_close import OpenItems, Statement, Sums
from app.domain.identifiers import pair_key
from app.domain.kinds import Kind
from app.readmodel import reserve_tables as r
from app.readmodel import tables as t
from app.readmodel.directory import Directory, directory, kind_name, target_name, to_date, to_time
from app.readmodel.results import Facility
from app.readmodel.sums import balances, movements

KEY_BYTES = 32
_OPEN_STATUSES = ("open", "amount", "date", "amount_and_date")


@dataclass(frozen=True, slots=True)
class Hold:
    """`event_ref` once its drawdown was posted and could be read; `reference` is its hash."""

    facility: str
    partner: str
    reference: str
    event_ref: str | None
    amount: int
    state: str
    expires_at: datetime
    overdue: bool
    """Active though its time is over, by the cursor's block."""
    placed_at: datetime
    ended_at: datetime | None
    released_by: str | None
    transaction: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A balance that passed a mark. `what`: low, restored, shortfall, shortfall_ended."""

    number: int
    facility: str
    partner: str
    what: str
    balance: int
    low_balance: int | None
    at: datetime
    transaction: str


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One proposal to close a day, and what became of it.

    `state`: proposed, replaced, withdrawn, disputed, closed or reopened.
    """

    number: int
    facility: str
    partner: str
    statement: Statement
    statement_hash: bytes
    state: str
    proposed_by: str
    proposed_block: int
    proposed_at: datetime
    transaction: str
    answered_by: str | None
    answered_at: datetime | None
    reason_hash: bytes | None
    reopen_by: str | None
    reopen_reason_hash: bytes | None
    reopened_at: datetime | None

    @property
    def day(self) -> date:
        return to_date(self.statement.day)


@dataclass(frozen=True, slots=True)
class CarriedPair:
    """A pair carried forward, by name as far as this view knows it."""

    key: int
    number: int | None
    kind: str
    reference: str
    target: str | None
    event_ref: str | None
    lead_amount: int | None
    partner_amount: int | None


def holds(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    state: str | None = None,
    limit: int = 1000,
) -> list[Hold]:
    """The newest first."""
    names = directory(connection)
    c, p = r.holds.c, t.pairs.c
    now = connection.execute(select(t.cursor.c.block_time)).scalar() or 0
    conditions = _of(names, r.holds, facility, partner)
    if state is not None:
        conditions.append(c.state == state)
    rows = connection.execute(
        select(r.holds, p.event_ref)
        .outerjoin(
            t.pairs,
            (p.ref == c.ref)
            & (p.kind == int(Kind.DRAWDOWN))
            & (p.partner == c.partner)
            & (p.facility == c.facility)
            & (p.target_kind == 0),
        )
        .where(*conditions)
        .order_by(c.placed_at.desc(), c.facility, c.ref, c.partner)
        .limit(limit)
    )
    return [
        Hold(
            facility=names.facility_id(row.facility),
            partner=names.partner_name(row.facility, row.partner),
            reference=row.ref.hex(),
            event_ref=row.event_ref,
            amount=row.amount,
            state=row.state,
            expires_at=to_time(row.expires_at),
            overdue=row.state == "active" and row.expires_at <= now,
            placed_at=to_time(row.placed_at),
            ended_at=_time(row.ended_at),
            released_by=_member(names, row.released_by),
            transaction="0x" + row.placed_tx.hex(),
        )
        for row in rows
    ]


def active_holds(
    connection: Connection, facility: int, ref: bytes | None = None, expired_at: int | None = None
) -> list[Row[Any]]:
    """Rows of the active holds of a facility: of one drawdown, or those past their time at
    `expired_at`."""
    c = r.holds.c
    conditions = [c.facility == facility, c.state == "active"]
    if ref is not None:
        conditions.append(c.ref == ref)
    if expired_at is not None:
        conditions.append(c.expires_at <= expired_at)
    query = select(r.holds).where(*conditions).order_by(c.expires_at, c.ref, c.partner)
    return list(connection.execute(query))


def alerts(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    limit: int = 1000,
) -> list[Alert]:
    """The newest first."""
    names = directory(connection)
    rows = connection.execute(
        select(r.alerts)
        .where(*_of(names, r.alerts, facility, partner))
        .order_by(r.alerts.c.number.desc())
        .limit(limit)
    )
    return [
        Alert(
            number=row.number,
            facility=names.facility_id(row.facility),
            partner=names.partner_name(row.facility, row.partner),
            what=row.what,
            balance=row.balance,
            low_balance=row.low_balance,
            at=to_time(row.at),
            transaction="0x" + row.tx_hash.hex(),
        )
        for row in rows
    ]


def day_records(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    state: str | None = None,
    number: int | None = None,
    limit: int = 1000,
) -> list[DayRecord]:
    """The newest first."""
    names = directory(connection)
    c = r.day_closes.c
    conditions = _of(names, r.day_closes, facility, partner)
    if state is not None:
        conditions.append(c.state == state)
    if number is not None:
        conditions.append(c.number == number)
    rows = connection.execute(
        select(r.day_closes).where(*conditions).order_by(c.number.desc()).limit(limit)
    )
    return [
        DayRecord(
            number=row.number,
            facility=names.facility_id(row.facility),
            partner=names.partner_name(row.facility, row.partner),
            statement=_statement(row),
            statement_hash=bytes(row.statement_hash),
            state=row.state,
            proposed_by=names.members[row.proposed_by].name,
            proposed_block=row.proposed_block,
            proposed_at=to_time(row.proposed_at),
            transaction="0x" + row.proposed_tx.hex(),
            answered_by=_member(names, row.answered_by),
            answered_at=_time(row.answered_at),
            reason_hash=row.reason_hash,
            reopen_by=_member(names, row.reopen_by),
            reopen_reason_hash=row.reopen_reason_hash,
            reopened_at=_time(row.reopened_at),
        )
        for row in rows
    ]


def own_statement(
    connection: Connection, facility: Facility, partner: int, last: DayRecord | None, day: int
) -> Statement:
    """What the legs of this view come to for a day, by themselves.

    `last`: the last closed day's record; None before the first. What is open is as of the cursor.
    """
    name = facility.partners[partner - 1].name
    first = to_date(1 if last is None else last.statement.day + 1)
    moved = next(
        one for one in movements(connection, facility, first, to_date(day)) if one.partner == name
    )
    books = (moved.lead_book, moved.partner_book, moved.agreed)
    movement = Sums(*(sum(book.movements.values()) for book in books))
    opening = Sums(0, 0, 0) if last is None else last.statement.closing
    (account,) = balances(connection, facility.id, name)
    return Statement(
        facility=facility.number,
        partner=partner,
        day=day,
        opening=opening,
        movement=movement,
        closing=opening + movement,
        open=OpenItems(
            account.books.open_lead,
            account.books.open_partner,
            account.books.accepted_difference,
            account.open_legs,
            tuple(sorted(_open_keys(connection, facility.number, partner))),
        ),
    )


def last_closed(connection: Connection, facility: str, partner: str) -> DayRecord | None:
    """The record of the account's last closed day."""
    found = day_records(connection, facility, partner, state="closed")
    return max(found, key=lambda one: one.statement.day, default=None)


def carried_forward(connection: Connection, record: DayRecord) -> list[CarriedPair]:
    """The pairs that a statement carries forward, by name."""
    statement = record.statement
    known = {
        _key(row): row
        for row in connection.execute(
            select(t.pairs).where(
                t.pairs.c.facility == statement.facility,
                t.pairs.c.partner == statement.partner,
                tuple_(t.pairs.c.kind, t.pairs.c.ref).in_(_names(connection, statement)),
            )
        )
    }
    return [_carried(key, known.get(key)) for key in statement.open.names]


def _names(connection: Connection, statement: Statement) -> list[tuple[int, bytes]]:
    """Kind and reference of the pairs named: of most they stand in the key, a reversal's is a hash
    and must be looked for among the account's reversals."""
    found = [
        (key >> 160 & 0xFF, (key & (1 << 160) - 1).to_bytes(20))
        for key in statement.open.names
        if key >> 208 == 0
    ]
    hashed = {key for key in statement.open.names if key >> 208}
    if hashed:
        c = t.pairs.c
        found += [
            (row.kind, row.ref)
            for row in connection.execute(
                select(t.pairs).where(
                    c.facility == statement.facility,
                    c.partner == statement.partner,
                    c.kind == int(Kind.REVERSAL),
                )
            )
            if _key(row) in hashed
        ]
    return found


def _carried(key: int, row: Row[Any] | None) -> CarriedPair:
    if row is None:
        return CarriedPair(key, None, "unknown", f"{key:064x}", None, None, None, None)
    return CarriedPair(
        key,
        row.number,
        kind_name(row.kind),
        row.ref.hex(),
        target_name(row.target_kind, row.target_ref, row.target_event_ref),
        row.event_ref,
        row.lead_amount,
        row.partner_amount,
    )


def _open_keys(connection: Connection, facility: int, partner: int) -> list[int]:
    c = t.pairs.c
    return [
        _key(row)
        for row in connection.execute(
            select(c.facility, c.partner, c.kind, c.ref, c.target_kind, c.target_ref).where(
                c.facility == facility,
                c.partner == partner,
                c.status != "matched",
                c.status.in_(_OPEN_STATUSES),
                c.action.is_(None),
            )
        )
    ]


def _key(row: Row[*tuple[Any, ...]]) -> int:
    target = bytes((row.target_kind,)) + bytes(row.target_ref) if row.target_kind else b""
    return pair_key(row.facility, row.partner, row.kind, bytes(row.ref), target)


def _statement(row: Row[Any]) -> Statement:
    def sums(name: str) -> Sums:
        return Sums(*(row._mapping[f"{name}_{book}"] for book in ("lead", "partner", "agreed")))

    packed = bytes(row.carried_forward)
    return Statement(
        facility=row.facility,
        partner=row.partner,
        day=row.day,
        opening=sums("opening"),
        movement=sums("movement"),
        closing=sums("closing"),
        open=OpenItems(
            row.open_lead,
            row.open_partner,
            row.accepted_difference,
            row.open_legs,
            tuple(
                int.from_bytes(packed[place : place + KEY_BYTES])
                for place in range(0, len(packed), KEY_BYTES)
            ),
        ),
    )


def _of(
    names: Directory, table: Any, facility: str | None, partner: str | None
) -> list[ColumnElement[bool]]:
    """Of a facility and a partner by their names; names that nobody has select nothing."""
    conditions: list[ColumnElement[bool]] = []
    if facility is not None:
        known = names.facility(facility)
        conditions.append(table.c.facility == known.number if known else false())
    if partner is not None:
        accounts = [
            (one.number, holder.number)
            for one in names.facilities.values()
            for holder in one.partners
            if holder.name == partner
        ]
        conditions.append(tuple_(table.c.facility, table.c.partner).in_(accounts))
    return conditions


def _member(names: Directory, number: int | None) -> str | None:
    return None if number is None else names.members[number].name


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else to_time(seconds)
