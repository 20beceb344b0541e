"""A row of a feed that waits in the quarantine, as the intake would have left it."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from app.db.vault import vault_of
from app.intake.tables import feeds, quarantine

_MOMENT = "2026-03-02T10:00:00Z"


def quarantine_amount(connection: Connection, feed_name: str, value: bytes) -> None:
    """Row 2 of a file, all of which it is: the amount of an event of WLD-2016-A."""
    feed = connection.execute(
        insert(feeds).values(
            facility="WLD-2016-A",
            name=feed_name,
            source="file",
            received_at=_MOMENT,
            rows_in=1,
            accepted=0,
            duplicate=0,
            quarantined=1,
        )
    ).inserted_primary_key
    assert feed is not None
    connection.execute(
        insert(quarantine).values(
            feed_id=feed[0],
            row=2,
            field="amount",
            value=vault_of(connection).sealer()(value),
            reason="is not digits",
            at=_MOMENT,
        )
    )
