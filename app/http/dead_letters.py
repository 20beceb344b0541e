"""What could not be posted, tried again by who works here."""

from collections.abc import Sequence

from sqlalchemy import Connection

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.outbox.dead_letters import replay, resume


def retry(connection: Connection, event_ids: Sequence[str] | None) -> tuple[int, int]:
    """Try these events again; None: all, and the batches that have stopped. How many events and
    batches there were; the node posts them."""
    events = replay(connection, event_ids or None)
    batches = 0 if event_ids else resume(connection)
    entry = Entry(current_actor.get(), "dead-letters.replay", ", ".join(event_ids or ["all"]))
    append(connection, entry.with_details(events=events, batches=batches))
    return events, batches
