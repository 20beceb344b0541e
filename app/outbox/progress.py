"""How far a bank's postings have come, and what they cost."""

from sqlalchemy import Connection, Engine, bindparam, func, select

from app.intake.tables import events
from app.outbox.dead_letters import waiting_events
from app.outbox.lifecycle import BROADCAST, FINAL, STOPPED
from app.outbox.tables import batches

_FIRST_WAITING = waiting_events(bindparam("facility")).with_only_columns(events.c.id).limit(1)

_FIRST_SENT = select(batches.c.id).where(batches.c.state == BROADCAST).limit(1)


def has_waiting(connection: Connection, facility: str) -> bool:
    """Whether an accepted event of a facility is in no batch yet."""
    return connection.execute(_FIRST_WAITING, {"facility": facility}).first() is not None


def drained(engine: Engine, facility: str) -> bool:
    """Whether every accepted event is on the chain, finally (or waits for a person)."""
    unsettled = (
        select(batches.c.id)
        .where(batches.c.facility == facility, batches.c.state.not_in((FINAL, STOPPED)))
        .limit(1)
    )
    with engine.connect() as connection:
        return (
            not has_waiting(connection, facility) and connection.execute(unsettled).first() is None
        )


def in_flight(engine: Engine) -> bool:
    """Whether batches were broadcast that are not final yet."""
    with engine.connect() as connection:
        return connection.execute(_FIRST_SENT).first() is not None


def last_batch(engine: Engine, facility: str) -> int:
    """The sequence of the newest batch that was sealed for a facility; 0 before the first."""
    with engine.connect() as connection:
        newest = connection.execute(
            select(func.max(batches.c.sequence)).where(batches.c.facility == facility)
        ).scalar_one()
    return int(newest or 0)


def last_final_block(engine: Engine, facility: str) -> int:
    """The newest block that holds a final batch of a facility; 0 before the first."""
    with engine.connect() as connection:
        newest = connection.execute(
            select(func.max(batches.c.block_number)).where(
                batches.c.facility == facility, batches.c.state == FINAL
            )
        ).scalar_one()
    return int(newest or 0)


def run_gas(engine: Engine, facility: str, after: int) -> tuple[int, int]:
    """How many batches after sequence `after` are final, and the gas they used together."""
    with engine.connect() as connection:
        posts, gas = connection.execute(
            select(func.count(), func.sum(batches.c.gas_used)).where(
                batches.c.facility == facility,
                batches.c.state == FINAL,
                batches.c.sequence > after,
            )
        ).one()
    return int(posts), int(gas or 0)
