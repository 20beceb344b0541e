"""Quarantined rows are mended, or read again in another encoding; then they wait to be replayed.

Who did it, when, what a column said and what it says is kept beside the row, whose bytes as they
came never change.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Engine, select

from app.db.clock import stamp
from app.db.vault import vault_of
from app.domain.errors import UsageFault
from app.intake.accept import Intake
from app.intake.cells import COLUMNS
from app.intake.judge import judge
from app.intake.quarantine.kept_row import ENCODINGS, KeptRow
from app.intake.quarantine.queries import SEE_LIST, RowInFull, Selection, row_in_full
from app.intake.quarantine.waiting import (
    IntakeOf,
    Waiting,
    chunks,
    does_not_wait,
    keep_steps,
    log_step,
    put_verdict,
    trace,
    waiting_rows,
)
from app.intake.store import EventStore, EventTransaction
from app.intake.tables import feeds


@dataclass(slots=True)
class Reread:
    """Rows that were read again: those without a fault now, and those with one. `following`: the
    number after which to go on; None when all were done."""

    ready: int = 0
    faulty: int = 0
    following: int | None = None


def mend(
    engine: Engine, intake_of: IntakeOf, number: int, values: Mapping[str, str | None], by: str
) -> RowInFull:
    """Put values in the place of a row's columns; None and empty are absent values. `by` says who.

    A row whose cells belong to no columns is made of what is mended alone. Raises UsageFault for an
    unknown column, and for a row that does not wait or is not kept.
    """
    unknown = [column for column in values if column not in COLUMNS]
    if unknown or not values:
        raise UsageFault(
            f"{', '.join(map(repr, unknown))} is no column of the feed"
            if unknown
            else "no column was given",
            remedy=f"Give some of {', '.join(COLUMNS)}",
        )
    with engine.connect() as connection:
        facility = row_in_full(connection, number).row.facility
    intake = intake_of(facility)
    with EventStore(engine).writing() as transaction:
        found = waiting_rows(transaction.connection, [number])
        if not found:
            raise does_not_wait(number)
        kept = found[0].kept
        mended = {**kept.mended, **{column: value or "" for column, value in values.items()}}
        seal = vault_of(transaction.connection).sealer()
        changed = {"mended": seal(json.dumps(mended).encode())}
        again = [(found[0], replace(kept, mended=mended))]
        ready = _judge_again(transaction, intake, again, "mended", by, changed)
    log_step(
        "mended", facility, found[0].feed_id, by, [number], columns=sorted(values), ready=ready
    )
    with engine.connect() as connection:
        return row_in_full(connection, number)


def reread(
    engine: Engine,
    intake_of: IntakeOf,
    feed_id: int,
    encoding: str,
    by: str,
    *,
    after: int = 0,
    most: int | None = None,
) -> Reread:
    """Read a feed's waiting rows that are not ASCII again, in one of ENCODINGS; what was mended of
    them stays.

    At most `most` rows are looked at, those with a number above `after`. Raises UsageFault for an
    unknown encoding or feed.
    """
    if encoding not in ENCODINGS:
        raise UsageFault(
            f"{encoding!r} is no encoding that is known here",
            remedy=f"Give one of {', '.join(ENCODINGS)} (GBK is in gb18030, Latin-1 in cp1252)",
        )
    with engine.connect() as connection:
        facility = connection.execute(
            select(feeds.c.facility).where(feeds.c.id == feed_id)
        ).scalar_one_or_none()
    if facility is None:
        raise UsageFault(f"there is no feed of number {feed_id}", remedy=SEE_LIST)
    intake = intake_of(facility)
    done = Reread()
    for numbers, more in chunks(engine, Selection(feed_id=feed_id), after, most):
        with EventStore(engine).writing() as transaction:
            again = [
                (one, replace(one.kept, encoding=encoding))
                for one in waiting_rows(transaction.connection, numbers)
                if not one.kept.raw.isascii() and one.kept.encoding != encoding
            ]
            changed = {"encoding": encoding}
            ready = _judge_again(transaction, intake, again, "reread", by, changed, encoding)
        read = [one.number for one, _ in again]
        log_step("reread", facility, feed_id, by, read, encoding=encoding, ready=ready)
        done.ready += ready
        done.faulty += len(again) - ready
        done.following = numbers[-1] if more else None
    return done


def _judge_again(
    transaction: EventTransaction,
    intake: Intake,
    again: Sequence[tuple[Waiting, KeptRow]],
    step: str,
    by: str,
    changed: Mapping[str, Any],
    encoding: str | None = None,
) -> int:
    """Judge rows of one feed as they are now, and keep what is `changed` and what they said before;
    returns how many are ready. Nothing is booked."""
    if not again:
        return 0
    now = intake.now()
    rows = [kept.judge(intake.validator) for _, kept in again]
    verdicts = {
        verdict.row: verdict
        for verdict in judge(transaction, rows, now, intake.facility.decimals).verdicts
    }
    connection = transaction.connection
    seal = vault_of(connection).sealer()
    steps = []
    for found, kept in again:
        verdict = verdicts[kept.row]
        status = "faulty" if verdict.status == "quarantined" else "ready"
        put_verdict(connection, found.number, status, verdict, seal, **changed)
        was, is_now = found.kept.columns(), kept.columns()
        changes = {
            column: (was.get(column, ""), is_now.get(column, ""))
            for column in COLUMNS
            if was.get(column) != is_now.get(column)
        }
        fault = (verdict.field, verdict.reason)
        at = stamp(now)
        steps.append(
            trace(found.number, at, by, step, status, fault)
            | {"encoding": encoding, "changes": seal(orjson.dumps(changes))}
        )
    keep_steps(connection, step, again[0][0].feed_id, steps)
    return sum(one["status"] == "ready" for one in steps)
