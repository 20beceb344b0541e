"""What becomes of feeds and rows, and what is known of events accepted before."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple


@dataclass(slots=True)
class StandingEvent:
    """An accepted event that stands for its identity, as far as reversals need it."""

    amount: int
    """Minor units."""
    parts: int
    """Chain parts that are not 0."""
    reversed: bool


@dataclass(slots=True)
class RowCounts:
    """A feed's sums; rows_in = accepted + duplicate + quarantined."""

    rows_in: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0

    def add(self, more: "RowCounts") -> None:
        """Count more rows of the feed."""
        self.rows_in += more.rows_in
        self.accepted += more.accepted
        self.duplicate += more.duplicate
        self.quarantined += more.quarantined


@dataclass(frozen=True, slots=True)
class FeedResult:
    """What became of a feed. `duplicate_legs` are among the accepted rows."""

    feed_id: int
    name: str
    rows_in: int
    accepted: int
    duplicate: int
    quarantined: int
    duplicate_legs: int


class Verdict(NamedTuple):
    """What became of one row. `field` and `reason` belong to quarantined rows."""

    row: int
    event_id: str
    status: Literal["accepted", "duplicate", "quarantined"]
    field: str = ""
    value: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a pushed event: the same, however often it is pushed."""

    event_id: str
    accepted_at: str
    """UTC, ISO 8601."""
    duplicate_leg: bool
    """Whether another event of this bank with the same identity stands."""
    again: bool = field(default=False, compare=False)
    """Whether it was accepted before this push."""
