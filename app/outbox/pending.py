"""What this bank itself sent in, as far as it is not (or never gets) on the chain.

The tables are the intake's and the outbox's; they are read here, and written only there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from app.intake.tables import events
from app.outbox.dead_letters import waiting_events
from app.outbox.lifecycle import BROADCAST, FINAL, OPEN, STOPPED
from app.outbox.tables import LETTER_WAITS, batches, dead_letters
from app.readmodel.chain import cursor
from app.readmodel.facilities.tables import facilities
from app.readmodel.pairs.tables import postings


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted events of one facility that the read model does not show yet."""

    waiting: int
    """In the outbox, or in a batch that is not final or not yet read back."""
    dead: int
    """Given up after bounded retries; they wait for a person."""


def pending_by_facility(connection: Connection) -> Mapping[str, Pending]:
    """By facility id; a facility with nothing pending is absent."""
    dead: dict[str, int] = dict(
        connection.execute(
            select(events.c.facility, func.count())
            .join(dead_letters, dead_letters.c.event == events.c.id)
            .where(LETTER_WAITS)
            .group_by(events.c.facility)
        ).all()
    )
    waiting: dict[str, int] = dict(
        connection.execute(
            waiting_events()
            .with_only_columns(events.c.facility, func.count())
            .group_by(events.c.facility)
        ).all()
    )
    # Batches that the read model does not hold yet, whatever the outbox knows of them by now: found
    # by the sequence up to which it holds them. (No column after the calldata is read: each would
    # cost a walk through its overflow pages.)
    for facility, projected in connection.execute(_projected()).all():
        legs = connection.execute(
            select(func.sum(batches.c.legs)).where(
                batches.c.facility == facility, batches.c.sequence > projected
            )
        ).scalar_one()
        if legs:
            waiting[facility] = waiting.get(facility, 0) + int(legs)
    return {
        facility: Pending(waiting.get(facility, 0), dead.get(facility, 0))
        for facility in waiting.keys() | dead.keys()
    }


def _projected() -> Select[Any]:
    """Each facility's id, and the newest sequence of this bank that the read model holds."""
    newest = (
        select(func.coalesce(func.max(postings.c.sequence), 0))
        .where(
            postings.c.facility == facilities.c.number,
            postings.c.member == select(cursor.c.member).scalar_subquery(),
        )
        .scalar_subquery()
    )
    return select(facilities.c.id, newest).where(facilities.c.state != "withdrawn")


@dataclass(frozen=True, slots=True)
class Backlog:
    """`oldest_at`: when the oldest event that is not final was accepted (UTC, ISO 8601)."""

    waiting: int
    """Accepted events that no batch carries yet, dead letters apart."""
    batches: dict[str, int]
    """Batches that are not final, by state."""
    oldest_at: str | None
    dead_letters: int

    @property
    def sealed(self) -> int:
        """Batches that are to be broadcast, or broadcast again."""
        apart = (STOPPED, BROADCAST)
        return sum(count for state, count in self.batches.items() if state not in apart)

    @property
    def broadcast(self) -> int:
        """Batches that were broadcast and are not yet final."""
        return self.batches.get(BROADCAST, 0)

    @property
    def stopped(self) -> int:
        """Batches that failed too often; the ones behind them wait."""
        return self.batches.get(STOPPED, 0)


_UNSETTLED = (
    select(batches.c.state, func.count(), func.min(batches.c.id))
    .where(batches.c.state.in_((*OPEN, STOPPED)))
    .group_by(batches.c.state)
)
"""By state: how many batches, and the id of the oldest."""


def batches_by_state(connection: Connection) -> dict[str, int]:
    """How many batches are in each state. The final ones are counted by the sequences, which have
    no gaps, because they become ever more."""
    found = {state: count for state, count, _ in connection.execute(_UNSETTLED)}
    ids = select(facilities.c.id).distinct().subquery()
    newest = select(func.max(batches.c.sequence)).where(batches.c.facility == ids.c.id)
    made = connection.execute(select(newest.scalar_subquery()).select_from(ids)).scalars()
    found[FINAL] = sum(sequence or 0 for sequence in made) - sum(found.values())
    return found


def backlog(connection: Connection) -> Backlog:
    """As it stands now."""
    by_facility = connection.execute(
        waiting_events()
        .with_only_columns(func.count(), func.min(events.c.id))
        .group_by(events.c.facility)
    ).all()
    states = connection.execute(_UNSETTLED).all()
    dead = connection.execute(
        select(func.count()).select_from(dead_letters).where(LETTER_WAITS)
    ).scalar_one()
    unsettled = [first for _, _, first in states]
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
