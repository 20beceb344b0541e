"""What could not be posted, tried again by who works here."""

from sqlalchemy import Connection

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.outbox.dead_letters import replay, resume


def retry(connection: Connection, event_id: str | None) -> int:
    """Try one event again; or all, and the batches that have stopped. How many there were; the
    node posts them."""
    events = replay(connection, None if event_id is None else [event_id])
    batches = 0 if event_id is not None else resume(connection)
    entry = Entry(current_actor.get(), "dead-letters.replay", event_id or "all")
    append(connection, entry.with_details(events=events, batches=batches))
    return events + batches
