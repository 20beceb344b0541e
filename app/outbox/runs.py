"""What a run of postings cost."""

from sqlalchemy import Engine, func, select

from app.outbox.tables import FINAL, batches


def last_batch(engine: Engine, facility: str) -> int:
    """The sequence of the newest batch that was fixed for a facility; 0 before the first."""
    with engine.connect() as connection:
        newest = connection.execute(
            select(func.max(batches.c.sequence)).where(batches.c.facility == facility)
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
