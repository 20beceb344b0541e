"""Events that are pushed, and what became of them."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from app.presentation.common import Model


class EventIn(Model):
    """One event, as a row of the canonical feed; null and absent are the same."""

    event_id: str = Field(
        description="Unique in the sender's system, 1 to 64 printable characters; pushing it twice "
        "is the same as once.",
        examples=["WB-20260302-000017"],
    )
    facility: str = Field(examples=["WLD-2016-A"])
    event_ref: str = Field(
        description="The reference that both banks know, 1 to 64 printable characters.",
        examples=["L4711-REP-003"],
    )
    kind: Literal[
        "drawdown",
        "principal",
        "interest",
        "penalty",
        "fee",
        "top_up",
        "reserve_interest",
        "other_in",
        "withdrawal",
        "service_fee",
        "other_out",
        "reversal",
    ] = Field(examples=["principal"])
    amount: str = Field(
        pattern=r"^[0-9]+(\.[0-9]+)?$",
        description="In currency units, as text; the lead's for shared kinds is the whole event's.",
        examples=["1250.00"],
    )
    currency: str = Field(description="ISO 4217, the facility's.", examples=["CNY"])
    value_date: str = Field(description="`YYYY-MM-DD`", examples=["2026-03-02"])
    booked_at: str = Field(
        description="`YYYY-MM-DDThh:mm:ss[.f]` with `Z` or an offset; gives the business date.",
        examples=["2026-03-02T09:15:00+08:00"],
    )
    partner: str | None = Field(
        None, description="In the lead's one-partner kinds: the partner's name."
    )
    reverses: str | None = Field(
        None, description="For `reversal` only: `kind/event_ref` of the target."
    )
    shares_on: str | None = Field(
        None, description="Lead only: the date whose shares split the event."
    )
    loan_ref: str | None = Field(None, description="Sealed on the chain, never in clear there.")
    borrower_ref: str | None = Field(None, description="Sealed on the chain.")
    memo: str | None = Field(None, description="Sealed on the chain.")


class ReceiptOut(Model):
    """A pushed event was accepted: it is stored, and goes to the chain."""

    event_id: str = Field(examples=["WB-20260302-000017"])
    verdict: Literal["accepted"] = "accepted"
    accepted_at: datetime
    duplicate_leg: bool = Field(
        description="Another event of this bank stands for the same facility, partner, kind and "
        "event_ref: this one is counted, and in no balance."
    )


class VerdictOut(Model):
    """What became of one row. `field`, `value` and `reason` belong to quarantined rows."""

    row: int = Field(description="Its place in the array, or its first line in the file, from 1.")
    event_id: str
    verdict: Literal["accepted", "duplicate", "quarantined"]
    field: str | None = None
    value: str | None = None
    reason: str | None = None


class RowSums(Model):
    """in = accepted + duplicate + quarantined"""

    rows_in: int = Field(alias="in", examples=[3])
    accepted: int = Field(examples=[1])
    duplicate: int = Field(examples=[1])
    quarantined: int = Field(examples=[1])

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class BulkOut(Model):
    """What became of a bulk."""

    feed_id: int
    rows: RowSums
    duplicate_legs: int = Field(description="Among the accepted rows.")
    verdicts: list[VerdictOut]
