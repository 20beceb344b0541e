"""What the banks last asked each other for or decided: whether a page of it is out of date."""

from sqlalchemy import Connection, func, select

from app.readmodel import tables as t


def newest_decisions(connection: Connection) -> tuple[int | None, ...]:
    """Numbers and times of the newest; another whenever one has come."""
    d, r, v, log = t.day_closes.c, t.resolutions.c, t.votes.c, t.consortium_log.c
    found = connection.execute(
        select(
            select(func.max(d.number)).scalar_subquery(),
            select(func.max(d.answered_at)).scalar_subquery(),
            select(func.max(r.number)).scalar_subquery(),
            select(func.max(r.decided_at)).scalar_subquery(),
            select(func.count(v.proposal)).scalar_subquery(),
            select(func.max(log.number)).scalar_subquery(),
        )
    ).one()
    return tuple(found)
