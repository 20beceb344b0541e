"""Quarantined rows, and what is done about them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from app.domain.numbers import LARGEST
from app.presentation.common import Model

_Number = Annotated[int, Field(ge=1, le=LARGEST)]
_Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""What is looked for in the database: PostgreSQL takes no NUL."""

Status = Literal["faulty", "ready", "accepted", "duplicate", "dismissed"]


class QuarantinedOut(Model):
    """A row that this node quarantined, with the first fault that it has now."""

    number: int
    facility: str
    feed_id: int
    feed: str
    source: str = Field(examples=["bulk"])
    row: int
    status: Status = Field(
        description="faulty; ready to be replayed: nothing of it is at fault any more; what it "
        "became when it was replayed; or dismissed by a person"
    )
    field: str = Field(examples=["amount"], description="Empty where it has no fault.")
    value: str = Field(examples=["12,50"])
    reason: str = Field(examples=["is not digits with an optional point and decimals"])
    at: datetime


class ChangeOut(Model):
    """What a column said before a step and after it; empty where it was absent."""

    was: str = Field(examples=["12,50"])
    now: str = Field(examples=["12.50"])


class StepOut(Model):
    """What somebody did about a row; steps are only ever added."""

    at: datetime
    by: str = Field(examples=["key 0f3a5c7e9b1d (treasury)"])
    step: Literal["mended", "reread", "replayed", "dismissed", "restored"]
    encoding: str | None = Field(description="In which it was read again.")
    changes: dict[str, ChangeOut] = Field(description="By column.")
    status: Status = Field(description="Of the row after it.")
    field: str = Field(description="The fault that was found then; empty without one.")
    reason: str
    why: str = Field(description="What a person said who dismissed or restored it; else empty.")


class QuarantinedRowOut(Model):
    """A quarantined row with its text, what it says now, and what was done about it."""

    row: QuarantinedOut
    text: str | None = Field(description="As it came; null where the row is not kept.")
    encoding: str | None = Field(
        description="In which it is read; `ascii` in a file that is not UTF-8 throughout."
    )
    columns: dict[str, str] = Field(
        description="What it says now; only what was mended, where its cells belong to no columns."
    )
    steps: list[StepOut] = Field(description="Oldest first.")


class _In(Model):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MendIn(_In):
    """What is put in the place of a row's columns; null is an absent value."""

    values: dict[str, str | None] = Field(
        examples=[{"amount": "12.50"}], min_length=1, max_length=14
    )


class RereadIn(_In):
    """Which file to read again, and how."""

    feed_id: _Number
    encoding: str = Field(max_length=16, examples=["gb18030"])
    after: int = Field(0, ge=0, le=LARGEST, description="`next` of the answer before.")


class RereadOut(Model):
    """Rows that were read again; they wait to be replayed."""

    ready: int
    faulty: int
    next: int | None = Field(description="Give it as `after` to go on; null when all were done.")


class SelectionIn(_In):
    """Which rows: by number, or all with the same reason, of a feed, of a facility."""

    numbers: list[_Number] | None = Field(None, min_length=1, max_length=1_000)
    facility: _Text | None = None
    feed_id: _Number | None = None
    field: _Text | None = None
    reason: _Text | None = None
    after: int = Field(0, ge=0, le=LARGEST, description="`next` of the answer before.")


class DecideIn(SelectionIn):
    """Which rows are dismissed or restored, and why."""

    why: _Text = Field(min_length=1, max_length=500, examples=["test data of the sender"])


class DecidedOut(Model):
    """How many rows were dismissed or restored."""

    rows: int
    next: int | None = Field(description="Give it as `after` to go on; null when all were done.")


class ReplayOut(Model):
    """What became of the rows; those that are faulty still wait."""

    accepted: int
    duplicate: int
    faulty: int
    next: int | None = Field(description="Give it as `after` to go on; null when all were done.")
