"""The feeds that were received, with their sums."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.intake.tables import feeds, quarantine


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """One feed. rows_in = accepted + duplicate + quarantined; `waiting` and `dismissed` are among
    the quarantined, `replayed` among accepted and duplicate. Times: ISO 8601, UTC; `finished_at`
    is None while it is read, or where that was cut short."""

    id: int
    facility: str
    name: str
    source: str
    received_at: str
    finished_at: str | None
    rows_in: int
    accepted: int
    duplicate: int
    quarantined: int
    replayed: int
    dismissed: int

    @property
    def waiting(self) -> int:
        return self.quarantined - self.dismissed


def feed_records(
    connection: Connection, limit: int, before: int | None
) -> tuple[list[FeedRecord], int | None]:
    """Feeds, the newest first, those of a number below `before`; and from where to go on."""
    dismissed = (
        select(func.count())
        .select_from(quarantine)
        .where(quarantine.c.feed_id == feeds.c.id, quarantine.c.status == "dismissed")
        .correlate(feeds)
        .scalar_subquery()
    )
    c = feeds.c
    query = select(
        c.id,
        c.facility,
        c.name,
        c.source,
        c.received_at,
        c.finished_at,
        c.rows_in,
        c.accepted,
        c.duplicate,
        c.quarantined,
        c.replayed,
        dismissed.label("dismissed"),
    )
    if before is not None:
        query = query.where(c.id < before)
    rows = connection.execute(query.order_by(c.id.desc()).limit(limit + 1)).all()
    found = [FeedRecord(*tuple(row)) for row in rows[:limit]]
    return found, found[-1].id if len(rows) > limit else None
