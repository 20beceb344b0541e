"""Dead letters: accepted events that the chain refused for good, kept for a person to see.

A duplicate leg is no dead letter: it is counted as what it is.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, and_, insert, select

from app.feeds.tables import events
from app.outbox.fix import now_utc
from app.outbox.tables import batches, dead_letters
from app.readmodel.tables import rejections

_DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`row` is the event's line in its feed; `reason` the contract's word."""

    feed_id: int
    row: int
    event_id: str
    reason: str


def collect(engine: Engine, member: int) -> int:
    """Make dead letters of this bank's legs that the contract rejected; returns how many new."""
    refused = (
        select(events.c.id, rejections.c.reason)
        .join(batches, batches.c.id == events.c.batch_id)
        .join(
            rejections,
            and_(
                rejections.c.facility == batches.c.facility_number,
                rejections.c.member == member,
                rejections.c.sequence == batches.c.sequence,
                rejections.c.index == events.c.leg_index,
            ),
        )
        .outerjoin(dead_letters, dead_letters.c.event == events.c.id)
        .where(rejections.c.reason != _DUPLICATE, dead_letters.c.id.is_(None))
    )
    with engine.begin() as connection:
        rows = connection.execute(refused).all()
        if rows:
            at = now_utc()
            connection.execute(
                insert(dead_letters),
                [{"event": row.id, "reason": row.reason, "at": at} for row in rows],
            )
    return len(rows)


def of_feed(connection: Connection, feed_id: int) -> list[DeadLetter]:
    """The dead letters among one feed's events, by row."""
    return [
        DeadLetter(row.feed_id, row.row, row.event_id, row.reason)
        for row in connection.execute(
            select(events.c.feed_id, events.c.row, events.c.event_id, dead_letters.c.reason)
            .join(events, events.c.id == dead_letters.c.event)
            .where(events.c.feed_id == feed_id)
            .order_by(events.c.row)
        )
    ]
