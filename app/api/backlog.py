"""What this bank has accepted and not yet seen final on the chain, and what waits for a person.

The tables are the outbox's; they are read here, and written only there.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from app.db.schema import full_metadata

_FINAL, _STOPPED, _OFFERED = "final", "stopped", "offered"

BATCH_STATES = ("fixed", _OFFERED, _FINAL, "reverted", "foreign", "rewound", _STOPPED)
"""As in `outbox.tables`."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """`oldest_at`: when the oldest event that is not final was accepted (UTC, ISO 8601)."""

    waiting: int
    """Accepted events that no batch carries yet, letters apart."""
    batches: dict[str, int]
    """Batches by state."""
    oldest_at: str | None
    dead_letters: int

    @property
    def fixed(self) -> int:
        """Batches that are to be offered, or offered again."""
        settled = (_FINAL, _STOPPED, _OFFERED)
        return sum(count for state, count in self.batches.items() if state not in settled)

    @property
    def offered(self) -> int:
        """Batches that were offered and are not yet final."""
        return self.batches.get(_OFFERED, 0)

    @property
    def stopped(self) -> int:
        """Batches that failed too often; the ones behind them wait."""
        return self.batches.get(_STOPPED, 0)


def backlog(connection: Connection) -> Backlog:
    """As it stands now."""
    tables = full_metadata().tables
    events, batches, letters = tables["events"], tables["batches"], tables["dead_letters"]
    waits = (events.c.batch_id.is_(None), events.c.parts > 0, letters.c.id.is_(None))
    letter = and_(letters.c.event == events.c.id, letters.c.replayed_at.is_(None))
    by_facility = connection.execute(
        select(func.count(), func.min(events.c.id))
        .outerjoin(letters, letter)
        .where(*waits)
        .group_by(events.c.facility)
    ).all()
    states = connection.execute(
        select(batches.c.state, func.count(), func.min(batches.c.id)).group_by(batches.c.state)
    ).all()
    dead = connection.execute(
        select(func.count()).select_from(letters).where(letters.c.replayed_at.is_(None))
    ).scalar_one()
    unsettled = [first for state, _, first in states if state != _FINAL]
    oldest = connection.execute(
        select(func.min(events.c.accepted_at)).where(
            events.c.id.in_([first for _, first in by_facility]) | events.c.batch_id.in_(unsettled)
        )
    ).scalar_one()
    return Backlog(
        waiting=sum(count for count, _ in by_facility),
        batches={state: count for state, count, _ in states},
        oldest_at=oldest,
        dead_letters=dead,
    )
