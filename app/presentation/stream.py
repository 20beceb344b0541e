"""What the event stream tells, each named as its event is."""

from datetime import datetime

from pydantic import Field

from app.presentation.common import Model


class OpenedOut(Model):
    """`open`: the stream begins here. What is read after it misses nothing that comes later."""

    block: int = Field(description="The last one with something of ours; 0 before the first.")


class PostingReadOut(Model):
    facility: str
    bank: str
    sequence: int
    legs: int = Field(description="Rejected ones included.")
    rejected: int


class BlockReadOut(Model):
    """`block`: one with something of ours was read. What was posted in it; resolutions, days and
    terms may have changed with it."""

    block: int
    hash: str
    time: datetime
    postings: list[PostingReadOut]


class AlertChangedOut(Model):
    """`alert`: what became of one."""

    alert: int
    kind: str
    subject: str
    facility: str | None
    partner: str | None
    change: str = Field(description="raised, acknowledged, snoozed, woken, escalated or ended")
    by: str | None
    note: str
    at: datetime


class ActChangedOut(Model):
    """`act`: what became of a prepared one."""

    number: int
    act: str
    facility: str | None
    partner: str | None
    pair: int | None
    state: str
    by: str | None
    at: datetime


class NoteAddedOut(Model):
    """`note`: a break was assigned or commented on. The text is read at the break."""

    pair: int
    what: str
    author: str
    at: datetime


class ResetOut(Model):
    """`reset`: what happened since `Last-Event-ID` cannot be told. Read anew what you show; the
    stream goes on from now."""

    why: str


StreamedOut = OpenedOut | BlockReadOut | AlertChangedOut | ActChangedOut | NoteAddedOut | ResetOut
