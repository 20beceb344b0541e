"""Holds: what the lead reserved of an account for drawdowns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.domain.kinds import Kind
from app.readmodel import tables as t
from app.readmodel.chain import clock
from app.readmodel.directory import directory, of_account
from app.readmodel.disclosures.names import event_name
from app.readmodel.values import optional_time, to_time


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


def holds(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    state: str | None = None,
    limit: int = 1000,
) -> list[Hold]:
    """The newest first."""
    names = directory(connection)
    c, p = t.holds.c, t.pairs.c
    now = clock(connection)
    conditions = of_account(names, t.holds, facility, partner)
    if state is not None:
        conditions.append(c.state == state)
    rows = connection.execute(
        select(t.holds, event_name(t.pairs).label("event_ref"))
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
            ended_at=optional_time(row.ended_at),
            released_by=names.optional_name(row.released_by),
            transaction="0x" + row.placed_tx.hex(),
        )
        for row in rows
    ]


def active_holds(
    connection: Connection, facility: int, ref: bytes | None = None, expired_at: int | None = None
) -> list[Row[Any]]:
    """Rows of the active holds of a facility: of one drawdown, or those past their time at
    `expired_at`."""
    c = t.holds.c
    conditions = [c.facility == facility, c.state == "active"]
    if ref is not None:
        conditions.append(c.ref == ref)
    if expired_at is not None:
        conditions.append(c.expires_at <= expired_at)
    query = select(t.holds).where(*conditions).order_by(c.expires_at, c.ref, c.partner)
    return list(connection.execute(query))


def held(connection: Connection) -> dict[tuple[int, int], int]:
    """What active holds reserve, by facility and partner number, minor units."""
    c = t.holds.c
    return {
        (row.facility, row.partner): int(row.held)
        for row in connection.execute(
            select(c.facility, c.partner, func.sum(c.amount).label("held"))
            .where(c.state == "active")
            .group_by(c.facility, c.partner)
        )
    }
