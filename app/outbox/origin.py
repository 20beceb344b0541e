"""Where a posted leg of this bank's own came from: its row, its event, its batch, its attempts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.intake.tables import events, feeds
from app.outbox.tables import attempts, batches


@dataclass(frozen=True, slots=True)
class Origin:
    """`row` is the event's line in its feed; `transactions` are all that were signed for its batch,
    oldest first. Times: ISO 8601, UTC."""

    event_id: str
    feed_id: int
    feed: str
    source: str
    row: int
    received_at: str
    accepted_at: str
    sequence: int
    sealed_at: str
    transactions: Sequence[str]


def leg_origin(connection: Connection, facility: int, sequence: int, word: int) -> Origin | None:
    """By the number of the facility, the batch's sequence and the leg's word in it; None where this
    database does not hold it."""
    found = connection.execute(
        select(
            events.c.event_id,
            events.c.feed_id,
            feeds.c.name,
            feeds.c.source,
            events.c.row,
            feeds.c.received_at,
            events.c.accepted_at,
            batches.c.id,
            batches.c.sealed_at,
        )
        .join(batches, batches.c.id == events.c.batch_id)
        .join(feeds, feeds.c.id == events.c.feed_id)
        .where(
            batches.c.facility_number == facility,
            batches.c.sequence == sequence,
            events.c.leg_index == word,
        )
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    signed = connection.execute(
        select(attempts.c.tx_hash).where(attempts.c.batch_id == found.id).order_by(attempts.c.id)
    ).scalars()
    return Origin(
        found.event_id,
        found.feed_id,
        found.name,
        found.source,
        found.row,
        found.received_at,
        found.accepted_at,
        sequence,
        found.sealed_at,
        list(signed),
    )
