"""Rows that wait in the quarantine, as a writer finds them; and the trace that each step leaves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, func, insert, select, update

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.vault import vault_of
from app.domain.errors import UsageFault
from app.intake.accept import Intake
from app.intake.quarantine.kept_row import KeptRow
from app.intake.quarantine.queries import SEE_LIST, WAITING, Selection, kept_row, rows_of
from app.intake.results import Verdict
from app.intake.tables import feeds, quarantine, quarantine_steps
from app.logs import listed

CHUNK_ROWS = 500
_CHUNK_BYTES = 4 * 1024 * 1024
"""Of rows that are judged in one transaction."""

_log = structlog.get_logger()

IntakeOf = Callable[[str], Intake]
"""Gives the intake of a facility's id, or raises UsageFault where this bank may not send."""


Seal = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that waits, and is kept as it came."""

    number: int
    feed_id: int
    kept: KeptRow


def waiting_rows(connection: Connection, numbers: Sequence[int]) -> list[Waiting]:
    """Those of the rows that still wait, and are kept, in their order."""
    vault = vault_of(connection)
    found = []
    for row in connection.execute(rows_of(numbers)):
        kept = kept_row(row, vault)
        if kept is not None and row.status in WAITING:
            found.append(Waiting(row.id, row.feed_id, kept))
    return found


def does_not_wait(number: int) -> UsageFault:
    """The refusal of a row that is not there, was replayed, or is not kept."""
    return UsageFault(
        f"row {number} of the quarantine does not wait, or is not kept as it came",
        remedy=f"{SEE_LIST}; what is not kept is sent again, mended, under its event_id",
    )


def chunks(
    engine: Engine, where: Selection, after: int, most: int | None, *, kept: bool = True
) -> Iterator[tuple[list[int], bool]]:
    """The numbers of the rows above `after`, oldest first, so many at a time as one transaction
    takes and `most` in all; each with whether more follow. `kept` leaves out rows whose text is
    not kept: these cannot be judged again."""
    done = 0
    while most is None or done < most:
        limit = CHUNK_ROWS if most is None else min(CHUNK_ROWS, most - done)
        query = (
            where.apply(
                select(quarantine.c.id, func.length(quarantine.c.raw).label("size")).join(
                    feeds, feeds.c.id == quarantine.c.feed_id
                )
            )
            .where(quarantine.c.id > after)
            .order_by(quarantine.c.id)
            .limit(limit + 1)
        )
        if kept:
            query = query.where(quarantine.c.raw.is_not(None))
        with engine.connect() as connection:
            found = connection.execute(query).all()
        numbers: list[int] = []
        size = 0
        for row in found[:limit]:
            size += row.size or 0
            if numbers and size > _CHUNK_BYTES:
                break
            numbers.append(row.id)
        if not numbers:
            return
        more = len(found) > len(numbers)
        yield numbers, more
        if not more:
            return
        done += len(numbers)
        after = numbers[-1]


def missing_number(engine: Engine, where: Selection, *, kept: bool) -> int | None:
    """The first of the selected numbers that is of no selected row (or, where it must be `kept`, of
    one that is not)."""
    if where.numbers is None:
        return None
    c = quarantine.c
    query = select(c.id).where(c.id.in_(where.numbers), c.status.in_(where.statuses))
    if kept:
        query = query.where(c.raw.is_not(None))
    with engine.connect() as connection:
        return min(set(where.numbers) - set(connection.scalars(query)), default=None)


def put_verdict(
    connection: Connection, number: int, status: str, verdict: Verdict, seal: Seal, **changed: Any
) -> None:
    """Keep of a row what it was judged to be, its status now and what is `changed` of it."""
    connection.execute(
        update(quarantine)
        .where(quarantine.c.id == number)
        .values(
            status=status,
            field=verdict.field,
            value=seal(verdict.value.encode()),
            reason=verdict.reason,
            **changed,
        )
    )


def trace(
    number: int, at: str, by: str, step: str, status: str, fault: tuple[str, str]
) -> dict[str, Any]:
    """A row of `quarantine_steps`; `fault`: the field and the reason, or empty ones."""
    return {
        "quarantine_id": number,
        "at": at,
        "by": by,
        "step": step,
        "status": status,
        "field": fault[0],
        "reason": fault[1],
    }


def keep_steps(
    connection: Connection, step: str, feed_id: int, traces: Sequence[dict[str, Any]]
) -> None:
    """Keep the traces of a step about rows of one feed, and its line in the audit trail, in the
    transaction of the step."""
    if traces:
        connection.execute(insert(quarantine_steps), traces)
        entry = Entry(current_actor.get(), f"quarantine.{step}", f"feed {feed_id}")
        append(connection, entry.with_details(rows=[one["quarantine_id"] for one in traces]))


def log_step(
    step: str, facility: str, feed_id: int, by: str, numbers: Sequence[int], **what: Any
) -> None:
    """The line of a step that was committed; it never holds a value."""
    for some in listed(numbers):
        _log.info(
            "quarantine", step=step, facility=facility, feed=feed_id, by=by, rows=some, **what
        )
