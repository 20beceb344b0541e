"""Which of this bank's accepted events a matched pair stands for."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.domain.chunks import chunks
from app.domain.matched import MatchedPair
from app.intake.tables import events
from app.outbox.tables import batches

_AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class MatchedEvent:
    """An accepted event whose leg has found its other half. `accepted_at`: UTC, ISO 8601."""

    facility: str
    event_id: str
    accepted_at: str
    pair: MatchedPair


def matched_events(connection: Connection, pairs: Sequence[MatchedPair]) -> list[MatchedEvent]:
    """The events of these pairs, as far as this database holds them."""
    return [one for some in chunks(pairs, _AT_A_TIME) for one in _matched(connection, some)]


def _matched(connection: Connection, pairs: Sequence[MatchedPair]) -> list[MatchedEvent]:
    rows = connection.execute(
        select(
            batches.c.facility_number,
            batches.c.sequence,
            events.c.leg_index,
            events.c.facility,
            events.c.event_id,
            events.c.accepted_at,
        )
        .join(events, events.c.batch_id == batches.c.id)
        .where(
            batches.c.facility_number.in_({pair.facility for pair in pairs}),
            batches.c.sequence.in_({pair.sequence for pair in pairs}),
            events.c.leg_index.in_({pair.word for pair in pairs}),
        )
    )
    by_leg = {(row[0], row[1], row[2]): row for row in rows}
    return [
        MatchedEvent(row.facility, row.event_id, row.accepted_at, pair)
        for pair in pairs
        if (row := by_leg.get((pair.facility, pair.sequence, pair.word))) is not None
    ]
