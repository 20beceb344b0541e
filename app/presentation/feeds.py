"""Feeds that were received, and what of them could not be posted."""

from datetime import datetime

from pydantic import Field

from app.presentation.common import Model


class FeedOut(Model):
    """rows_in = accepted + duplicate + quarantined. `dismissed` are among the quarantined,
    `replayed` among accepted and duplicate."""

    id: int
    facility: str
    name: str
    source: str = Field(description="file, folder, bulk, push or upload")
    received_at: datetime
    finished_at: datetime | None = Field(
        description="Null while it is read, or where that was cut short."
    )
    rows_in: int
    accepted: int
    duplicate: int
    quarantined: int
    replayed: int
    dismissed: int


class DeadLetterOut(Model):
    """An event that was given up after bounded retries. `row`: its line in its feed."""

    facility: str
    feed_id: int
    row: int
    event_id: str
    event_ref: str
    reason: str
    at: datetime


class StoppedBatchOut(Model):
    """A batch that failed too often; the ones behind it wait."""

    facility: str
    sequence: int
    legs: int
    why: str
    at: datetime


class DeadLettersOut(Model):
    events: list[DeadLetterOut] = Field(description="Oldest first.")
    batches: list[StoppedBatchOut]


class RetryIn(Model):
    event_id: str | None = Field(
        None, max_length=64, description="Null: all events, and the batches that have stopped."
    )


class RetriedOut(Model):
    retried: int
