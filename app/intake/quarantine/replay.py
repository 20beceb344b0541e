"""Quarantined rows are taken in as they are now.

They go the way of any row: an event that was accepted before is a duplicate, so that nothing is
booked twice. A row that is accepted leaves the quarantine in the same transaction, and its feed's
sums say so; one that is still at fault stays, with the fault that it has now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine, update

from app.db.clock import stamp
from app.db.vault import vault_of
from app.domain.chunks import chunks as in_chunks
from app.intake.judge import ChunkResult, WaitingReversals, judge
from app.intake.quarantine.queries import WAITING, Selection, rows_of
from app.intake.quarantine.waiting import (
    CHUNK_ROWS,
    IntakeOf,
    Waiting,
    chunks,
    does_not_wait,
    keep_steps,
    log_step,
    missing_number,
    put_verdict,
    trace,
    waiting_rows,
)
from app.intake.results import RowCounts
from app.intake.store import EventStore, EventTransaction
from app.intake.tables import feeds


@dataclass(slots=True)
class Replayed:
    """What became of rows that were replayed. `following`: the number after which to go on; None
    when all were done."""

    accepted: int = 0
    duplicate: int = 0
    faulty: int = 0
    following: int | None = None


def replay(
    engine: Engine,
    intake_of: IntakeOf,
    where: Selection,
    by: str,
    *,
    after: int = 0,
    most: int | None = None,
) -> Replayed:
    """Take in the selected rows that wait; reversals after their targets, whatever their order.

    At most `most` rows, those with a number above `after`; `by` says who does it. Raises UsageFault
    for a selected number that does not wait.
    """
    where = replace(where, statuses=WAITING)
    missing = missing_number(engine, where, kept=True)
    if missing is not None:
        raise does_not_wait(missing)
    done = Replayed()
    late: list[int] = []
    for numbers, more in chunks(engine, where, after, most):
        late += _replay(engine, intake_of, numbers, by, done, waits=True)
        done.following = numbers[-1] if more else None
    for some in in_chunks(late, CHUNK_ROWS):
        _replay(engine, intake_of, some, by, done, waits=False)
    return done


def _replay(
    engine: Engine,
    intake_of: IntakeOf,
    numbers: Sequence[int],
    by: str,
    done: Replayed,
    *,
    waits: bool,
) -> list[int]:
    """Adds to `done`; returns the reversals that wait for their targets, where they may."""
    by_feed: dict[tuple[int, str], list[int]] = {}
    with engine.connect() as connection:
        for row in connection.execute(rows_of(numbers)):
            by_feed.setdefault((row.feed_id, row.facility), []).append(row.id)
    late: list[int] = []
    for (feed_id, facility), some in by_feed.items():
        intake = intake_of(facility)
        with EventStore(engine).writing() as transaction:
            found = {one.kept.row: one for one in waiting_rows(transaction.connection, some)}
            rows = [one.kept.judge(intake.validator) for one in found.values()]
            now = intake.now()
            waiting = WaitingReversals() if waits else None
            taken = judge(transaction, rows, now, intake.facility.decimals, waiting)
            _settle(transaction, feed_id, found, taken, by, stamp(now))
        judged = {found[verdict.row].number for verdict in taken.verdicts}
        late += [one.number for one in found.values() if one.number not in judged]
        counts = taken.counts
        done.accepted += counts.accepted
        done.duplicate += counts.duplicate
        done.faulty += counts.quarantined
        log_step(
            "replayed",
            facility,
            feed_id,
            by,
            sorted(judged),
            accepted=counts.accepted,
            duplicate=counts.duplicate,
            faulty=counts.quarantined,
        )
    return late


def _settle(
    transaction: EventTransaction,
    feed_id: int,
    found: Mapping[int, Waiting],
    taken: ChunkResult,
    by: str,
    at: str,
) -> None:
    """Keep what was accepted, and what became of each row."""
    left = taken.counts.accepted + taken.counts.duplicate
    counts = RowCounts(0, taken.counts.accepted, taken.counts.duplicate, -left)
    transaction.save(feed_id, taken.accepted, taken.reversed, (), counts, at)
    connection = transaction.connection
    connection.execute(
        update(feeds).where(feeds.c.id == feed_id).values(replayed=feeds.c.replayed + left)
    )
    seal = vault_of(connection).sealer()
    steps = []
    for verdict in taken.verdicts:
        number = found[verdict.row].number
        status = "faulty" if verdict.status == "quarantined" else verdict.status
        put_verdict(connection, number, status, verdict, seal)
        fault = (verdict.field, verdict.reason)
        steps.append(trace(number, at, by, "replayed", status, fault))
    keep_steps(connection, "replayed", feed_id, steps)
