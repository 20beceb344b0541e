"""The batches' history: what happened is only ever added."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, update

from app.db.clock import now, stamp
from app.outbox.tables import batch_log, batches

_PUT_STATE = (
    update(batches)
    .where(batches.c.id.in_(bindparam("batches", expanding=True)))
    .values(state=bindparam("now"))
)


def log_state(
    connection: Connection, batch_ids: Sequence[int], state: str, detail: str = ""
) -> None:
    """Add to the batches' history and keep their newest state."""
    if not batch_ids:
        return
    note(connection, batch_ids, state, detail)
    connection.execute(_PUT_STATE, {"batches": batch_ids, "now": state})


def note(connection: Connection, batch_ids: Sequence[int], state: str, detail: str) -> None:
    """Add to the batches' history what does not change their state."""
    at = stamp(now())
    connection.execute(
        insert(batch_log),
        [{"batch_id": batch, "state": state, "detail": detail, "at": at} for batch in batch_ids],
    )
