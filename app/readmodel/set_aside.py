"""What is held of each reserve account, and through which day it is closed."""

from sqlalchemy import Connection, func, select

from app.readmodel import reserve_tables as r


def held(connection: Connection) -> dict[tuple[int, int], int]:
    """What active holds set aside, by facility and partner number, minor units."""
    c = r.holds.c
    return {
        (row.facility, row.partner): int(row.held)
        for row in connection.execute(
            select(c.facility, c.partner, func.sum(c.amount).label("held"))
            .where(c.state == "active")
            .group_by(c.facility, c.partner)
        )
    }


def closed_through(connection: Connection) -> dict[tuple[int, int], int]:
    """The last closed day (ordinal) by facility and partner number; absent where none is."""
    c = r.day_closes.c
    return {
        (row.facility, row.partner): row.day
        for row in connection.execute(
            select(c.facility, c.partner, func.max(c.day).label("day"))
            .where(c.state == "closed")
            .group_by(c.facility, c.partner)
        )
    }
