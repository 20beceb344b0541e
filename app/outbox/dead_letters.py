"""Dead letters: accepted events that cannot be posted, or that the chain refused for good.

They wait for a person, who replays them once the cause is mended. A duplicate leg is no dead
letter: it is counted as what it is. What is replayed and refused again is a new letter.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Engine,
    Select,
    and_,
    func,
    insert,
    literal_column,
    not_,
    select,
    update,
)

from app.db.clock import now, stamp
from app.intake.tables import events
from app.outbox.history import log_state
from app.outbox.lifecycle import SEALED, STOPPED
from app.outbox.tables import LETTER_WAITS, batch_log, batches, dead_letters
from app.readmodel.tables import rejections

_DUPLICATE = "duplicate"
_PART_SKIPPED = "part_"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`row` is the event's line in its feed; `reason` the contract's word, or ours."""

    facility: str
    feed_id: int
    row: int
    event_id: str
    event_ref: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class StoppedBatch:
    """A batch that failed too often; the ones behind it wait."""

    facility: str
    sequence: int
    legs: int
    why: str
    at: str


def waiting_events(facility: str | BindParameter[str] | None = None) -> Select[Any]:
    """The accepted events that no batch carries yet, dead letters apart; of one facility or all."""
    waiting = (
        select(events)
        .outerjoin(
            dead_letters,
            and_(dead_letters.c.event == events.c.id, LETTER_WAITS),
        )
        .where(
            events.c.batch_id.is_(None),
            # Written out: of a parameter, a planner cannot know that it implies the partial index.
            events.c.parts > literal_column("0"),
            dead_letters.c.id.is_(None),
        )
    )
    return waiting if facility is None else waiting.where(events.c.facility == facility)


def add_dead_letter(connection: Connection, event: int, reason: str) -> None:
    """Make a letter of an event that no batch can carry."""
    connection.execute(insert(dead_letters).values(event=event, reason=reason, at=stamp(now())))


def collect(engine: Engine, member: int, after: int = 0) -> int:
    """Make letters of this bank's legs that the contract rejected.

    `after`: the rejection up to which that was done before; returns up to which it is done now.
    """
    ours = and_(
        rejections.c.number > after,
        rejections.c.member == member,
        rejections.c.reason != _DUPLICATE,
        # the rest of such a leg is booked, and sent again it is a duplicate
        not_(rejections.c.reason.startswith(_PART_SKIPPED, autoescape=True)),
    )
    with engine.connect() as connection:
        newest = connection.execute(select(func.max(rejections.c.number))).scalar_one()
        if connection.execute(select(rejections.c.number).where(ours).limit(1)).first() is None:
            return int(newest or 0)
    refused = (
        select(events.c.id, events.c.batch_id, rejections.c.reason)
        .join(batches, batches.c.id == events.c.batch_id)
        .join(
            rejections,
            and_(
                rejections.c.facility == batches.c.facility_number,
                rejections.c.sequence == batches.c.sequence,
                rejections.c.index == events.c.leg_index,
            ),
        )
        .outerjoin(
            dead_letters,
            and_(
                dead_letters.c.event == events.c.id,
                dead_letters.c.batch_id == events.c.batch_id,
            ),
        )
        .where(ours, dead_letters.c.id.is_(None))
        .distinct()  # a rejected leg of the lead is told once for each of its partners
    )
    with engine.begin() as connection:
        at = stamp(now())
        letters = [
            {"event": row.id, "batch_id": row.batch_id, "reason": row.reason, "at": at}
            for row in connection.execute(refused)
        ]
        if letters:
            connection.execute(insert(dead_letters), letters)
    return int(newest)


def of_feed(connection: Connection, feed_id: int) -> list[DeadLetter]:
    """The letters among one feed's events, by row; without those that were replayed."""
    return _letters(connection, _LETTERS.where(events.c.feed_id == feed_id))


def all_letters(connection: Connection) -> list[DeadLetter]:
    """Every letter that waits, oldest first."""
    return _letters(connection, _LETTERS)


def stopped_batches(connection: Connection, facility: str | None = None) -> list[StoppedBatch]:
    """The batches that failed too often, of one facility or of all."""
    found = [StoppedBatch(*row) for row in connection.execute(_STOPPED)]
    return [one for one in found if facility in (None, one.facility)]


def replay(connection: Connection, event_ids: Collection[str] | None = None) -> int:
    """Let letters wait for the outbox again, those of `event_ids` or all; returns how many."""
    chosen = select(dead_letters.c.event).where(LETTER_WAITS)
    if event_ids is not None:
        named = select(events.c.id).where(events.c.event_id.in_(event_ids))
        chosen = chosen.where(dead_letters.c.event.in_(named))
    freed = connection.execute(
        update(events).where(events.c.id.in_(chosen)).values(batch_id=None, leg_index=None)
    )
    connection.execute(
        update(dead_letters)
        .where(LETTER_WAITS, dead_letters.c.event.in_(chosen))
        .values(replayed_at=stamp(now()))
    )
    return freed.rowcount


def resume(connection: Connection) -> int:
    """Let stopped batches be tried again; returns how many."""
    stopped = connection.execute(select(batches.c.id).where(batches.c.state == STOPPED))
    ids = list(stopped.scalars())
    log_state(connection, ids, SEALED, "a person lets it go on")
    return len(ids)


_STOPPED = (
    select(
        batches.c.facility,
        batches.c.sequence,
        batches.c.legs,
        batch_log.c.detail,
        batch_log.c.at,
    )
    .join(
        batch_log,
        batch_log.c.id
        == select(func.max(batch_log.c.id))
        .where(batch_log.c.batch_id == batches.c.id, batch_log.c.state == STOPPED)
        .correlate(batches)
        .scalar_subquery(),
    )
    .where(batches.c.state == STOPPED)
    .order_by(batches.c.facility, batches.c.sequence)
)
_LETTERS = (
    select(
        events.c.facility,
        events.c.feed_id,
        events.c.row,
        events.c.event_id,
        events.c.event_ref,
        dead_letters.c.reason,
        dead_letters.c.at,
    )
    .join(events, events.c.id == dead_letters.c.event)
    .where(LETTER_WAITS)
    .order_by(events.c.feed_id, events.c.row, dead_letters.c.id)
)


def _letters(connection: Connection, query: Select[Any]) -> list[DeadLetter]:
    return [DeadLetter(*row) for row in connection.execute(query)]
