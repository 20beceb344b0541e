"""Statements that were proposed to close a day, and what this view itself comes to."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, and_, case, or_, select, tuple_

from app.domain.day_close import OpenItems, Statement, Sums
from app.domain.identifiers import pair_key
from app.readmodel import tables as t
from app.readmodel.accounts.balances import balances
from app.readmodel.accounts.movements import movements
from app.readmodel.accounts.stated_parts import stated_differences
from app.readmodel.archive.source import with_archive
from app.readmodel.days.shapes import CarriedPair, DayRecord
from app.readmodel.directory import Facility, directory, of_account
from app.readmodel.disclosures.names import select_named
from app.readmodel.pairs.tables import OPEN, REVERSALS
from app.readmodel.values import kind_name, optional_time, target_name, to_date, to_time

KEY_BYTES = 32


def day_records(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    state: str | None = None,
    number: int | None = None,
    day: date | None = None,
    limit: int | None = None,
    *,
    waiting_first: bool = False,
) -> list[DayRecord]:
    """The newest first; with `waiting_first` before all others those that wait for the other bank,
    of which an account has one at a time: whatever is proposed and withdrawn after them."""
    names = directory(connection)
    c = t.day_closes.c
    conditions = of_account(names, t.day_closes, facility, partner)
    if state is not None:
        conditions.append(c.state == state)
    if number is not None:
        conditions.append(c.number == number)
    if day is not None:
        conditions.append(c.day == day.toordinal())
    waits = or_(c.state == "proposed", and_(c.reopen_by.is_not(None), c.reopened_at.is_(None)))
    order = [case((waits, 0), else_=1)] if waiting_first else []
    rows = connection.execute(
        select(t.day_closes).where(*conditions).order_by(*order, c.number.desc()).limit(limit)
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
            answered_by=names.optional_name(row.answered_by),
            answered_at=optional_time(row.answered_at),
            reason_hash=row.reason_hash,
            reopen_by=names.optional_name(row.reopen_by),
            reopen_reason_hash=row.reopen_reason_hash,
            reopened_at=optional_time(row.reopened_at),
        )
        for row in rows
    ]


def day_record(connection: Connection, number: int) -> DayRecord | None:
    """The statement of a number; None where this view has none."""
    return next(iter(day_records(connection, number=number)), None)


def own_statement(
    connection: Connection, facility: Facility, partner: int, last: DayRecord | None, day: int
) -> Statement:
    """What the legs of this view come to for a day, by themselves.

    `last`: the last closed day's record; None before the first. What is open is as of the cursor.
    """
    name = facility.partners[partner - 1].name
    first = to_date(1 if last is None else last.statement.day + 1)
    (moved,) = movements(connection, facility, first, to_date(day), partner)
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
    """The record of the account's last closed day: days are closed one after the other."""
    return next(iter(day_records(connection, facility, partner, state="closed", limit=1)), None)


def stated_difference(connection: Connection, record: DayRecord) -> int | None:
    """By how much the parts that the lead stated for the account on that business date differ from
    the shares (`readmodel.accounts.stated_parts`)."""
    statement = record.statement
    facility = directory(connection).facilities[statement.facility]
    found = stated_differences(connection, facility, record.day, record.day)
    return None if found is None else found[statement.partner]


def carried_forward(connection: Connection, record: DayRecord) -> list[CarriedPair]:
    """The pairs that a statement carries forward, by name."""
    statement, c = record.statement, t.pairs.c
    of_account = (c.facility == statement.facility, c.partner == statement.partner)
    # Kind and reference stand in the key, but for a reversal: of that it is a hash.
    named = [
        (key >> 160 & 0xFF, (key & (1 << 160) - 1).to_bytes(20))
        for key in statement.open.names
        if key >> 208 == 0
    ]
    found = with_archive(connection, refs={ref for _, ref in named})
    known = {
        _key(row): row
        for row in connection.execute(
            select_named(found).where(
                found.c.facility == statement.facility,
                found.c.partner == statement.partner,
                tuple_(found.c.ref, found.c.kind).in_([(ref, kind) for kind, ref in named]),
            )
        )
    }
    if len(named) < len(statement.open.names):
        at = int(record.proposed_at.timestamp())
        # It had open legs then: it has them still, or lost them since.
        rows = connection.execute(
            select_named(t.pairs).where(
                *of_account,
                REVERSALS,
                c.first_posted_at <= at,
                or_(c.status != "matched", c.lead_posted_at >= at, c.partner_posted_at >= at),
            )
        )
        known |= {_key(row): row for row in rows}
    return [_carried(key, known.get(key)) for key in statement.open.names]


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
                OPEN,
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
