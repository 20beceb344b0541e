"""What this bank itself sent in, as far as it is not (or never gets) on the chain.

The tables are the feeds' and the outbox's; they are read here, and written only there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, and_, func, select

from app.db.schema import full_metadata
from app.db.vault import vault_of
from app.readmodel.results import Page
from app.readmodel.tables import cursor, postings


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted events of one facility that the read model does not show yet."""

    waiting: int
    """In the outbox, or in a batch that is not final or not yet read back."""
    dead: int
    """Given up after bounded retries; they wait for a person."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was quarantined, with its first fault. `at`: ISO 8601, UTC."""

    number: int
    facility: str
    feed: str
    source: str
    row: int
    field: str
    value: str
    reason: str
    at: str


def _table(name: str) -> Table:
    return full_metadata().tables[name]


def pending(connection: Connection) -> Mapping[str, Pending]:
    """By facility id; a facility with nothing pending is absent."""
    events, batches, letters = _table("events"), _table("batches"), _table("dead_letters")
    dead: dict[str, int] = dict(
        connection.execute(
            select(events.c.facility, func.count())
            .join(letters, letters.c.event == events.c.id)
            .where(letters.c.replayed_at.is_(None))
            .group_by(events.c.facility)
        ).all()
    )
    waiting: dict[str, int] = dict(
        connection.execute(
            select(events.c.facility, func.count())
            .outerjoin(
                letters, and_(letters.c.event == events.c.id, letters.c.replayed_at.is_(None))
            )
            .where(events.c.batch_id.is_(None), events.c.parts > 0, letters.c.id.is_(None))
            .group_by(events.c.facility)
        ).all()
    )
    # A batch that the read model does not hold yet, whatever the outbox knows of it by now. (No
    # column after the calldata is read: each would cost a walk through its overflow pages.)
    projected = (
        select(func.coalesce(func.max(postings.c.sequence), 0))
        .where(
            postings.c.facility == batches.c.facility_number,
            postings.c.member == select(cursor.c.member).scalar_subquery(),
        )
        .scalar_subquery()
    )
    for facility, legs in connection.execute(
        select(batches.c.facility, func.sum(batches.c.legs))
        .where(batches.c.sequence > projected)
        .group_by(batches.c.facility)
    ):
        waiting[facility] = waiting.get(facility, 0) + int(legs)
    return {
        facility: Pending(waiting.get(facility, 0), dead.get(facility, 0))
        for facility in waiting.keys() | dead.keys()
    }


def quarantined(
    connection: Connection, facility: str | None, limit: int, before: int | None
) -> Page[QuarantinedRow]:
    """Quarantined rows, newest first."""
    rows, feeds = _table("quarantine"), _table("feeds")
    open_ = vault_of(connection).open
    query = (
        select(rows, feeds.c.facility, feeds.c.name, feeds.c.source)
        .join(feeds, feeds.c.id == rows.c.feed_id)
        .order_by(rows.c.id.desc())
        .limit(limit + 1)
    )
    if facility is not None:
        query = query.where(feeds.c.facility == facility)
    if before is not None:
        query = query.where(rows.c.id < before)
    items = [
        QuarantinedRow(
            row.id,
            row.facility,
            row.name,
            row.source,
            row.row,
            row.field,
            open_(row.value).decode(),
            row.reason,
            row.at,
        )
        for row in connection.execute(query)
    ]
    return Page(items[:limit], items[limit - 1].number if len(items) > limit else None)
