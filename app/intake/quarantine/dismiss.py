"""Quarantined rows that a person dismisses: they wait no more, and are never taken in.

Such a row stays where it is, with who dismissed it, when and why, and among its feed's quarantined
rows; whoever finds that wrong restores it, and it waits again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, select, update

from app.db.clock import now, stamp
from app.db.vault import vault_of
from app.domain.errors import UsageFault
from app.intake.quarantine.queries import DISMISSED, SEE_LIST, WAITING, Selection, Status
from app.intake.quarantine.waiting import chunks, keep_steps, log_step, missing_number, trace
from app.intake.store import EventStore
from app.intake.tables import feeds, quarantine

MAX_WHY = 500
"""Most characters of a reason that a person gives."""


@dataclass(slots=True)
class Decided:
    """How many rows were dismissed or restored. `following`: the number after which to go on; None
    when all were done."""

    rows: int = 0
    following: int | None = None


def dismiss(
    engine: Engine,
    where: Selection,
    why: str,
    by: str,
    *,
    after: int = 0,
    most: int | None = None,
) -> Decided:
    """Let the selected rows wait no more; `by` says who does it, `why` is said by a person.

    At most `most` rows, those with a number above `after`. Raises UsageFault for a selected number
    that does not wait, and without a reason.
    """
    return _decide(engine, where, WAITING, "dismissed", why, by, after, most)


def restore(
    engine: Engine,
    where: Selection,
    why: str,
    by: str,
    *,
    after: int = 0,
    most: int | None = None,
) -> Decided:
    """Let the selected rows that were dismissed wait again, as `dismiss`."""
    return _decide(engine, where, DISMISSED, "restored", why, by, after, most)


def _decide(
    engine: Engine,
    where: Selection,
    among: Sequence[Status],
    step: str,
    why: str,
    by: str,
    after: int,
    most: int | None,
) -> Decided:
    if not why.strip() or len(why) > MAX_WHY or "\0" in why:
        raise UsageFault(
            f"a reason of 1 to {MAX_WHY} characters is needed",
            remedy="Say why: whoever looks at the row later will ask",
        )
    where = replace(where, statuses=among)
    missing = missing_number(engine, where, kept=False)
    if missing is not None:
        state = "was not dismissed" if among == DISMISSED else "does not wait"
        raise UsageFault(f"row {missing} of the quarantine {state}", remedy=SEE_LIST)
    done = Decided()
    for numbers, more in chunks(engine, where, after, most, kept=False):
        at = stamp(now())
        with EventStore(engine).writing() as transaction:
            connection = transaction.connection
            found = connection.execute(
                select(quarantine, feeds.c.facility)
                .join(feeds, feeds.c.id == quarantine.c.feed_id)
                .where(quarantine.c.id.in_(numbers), quarantine.c.status.in_(among))
                .order_by(quarantine.c.id)
            ).all()
            seal = vault_of(connection).sealer()
            by_feed: dict[tuple[str, int], list[dict[str, Any]]] = {}
            for row in found:
                status = "dismissed"
                if step == "restored":
                    status = "faulty" if row.reason else "ready"
                connection.execute(
                    update(quarantine).where(quarantine.c.id == row.id).values(status=status)
                )
                fault = (row.field, row.reason)
                by_feed.setdefault((row.facility, row.feed_id), []).append(
                    trace(row.id, at, by, step, status, fault) | {"why": seal(why.encode())}
                )
            for (_, feed_id), traces in by_feed.items():
                keep_steps(connection, step, feed_id, traces)
        for (facility, feed_id), traces in by_feed.items():
            log_step(step, facility, feed_id, by, [one["quarantine_id"] for one in traces])
        done.rows += len(found)
        done.following = numbers[-1] if more else None
    return done
