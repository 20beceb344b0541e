"""Rows of a feed after validation: an event that may be accepted, or a quarantined row.

Days are `date.toordinal()`, amounts minor units, kinds and partners their numbers on the chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ALL_PARTNERS = 0
"""The partner number of the lead's shared events."""

MAX_DAYS_AHEAD = 30
"""A date further after today (UTC) than this is rejected by the chain."""

Raw = str | Mapping[str, Any] | None
"""A row as it came: its text in the file (bytes that are no text as surrogates), or the JSON object
that was pushed; None for a row that is too long to be kept, or that no file has."""


@dataclass(slots=True)
class ParsedEvent:
    """A row that breaks no column's rule. Not frozen: one is made per row on the hot path."""

    row: int
    """The row's first physical line in its file, or its place in a bulk, from 1."""
    event_id: str
    content: bytes
    """SHA-256 of the parsed values: equal for rows that say the same."""
    identity: bytes
    """SHA-256 of facility, partner, kind, event_ref and target."""
    kind: int
    partner: int
    """The partner's number; ALL_PARTNERS for the lead's shared events."""
    event_ref: str
    amount: int
    value_day: int
    business_day: int
    shares_day: int
    """The day whose shares split the event; 0 = the value day, or nothing to split."""
    booked_at: str
    """The instant in UTC, ISO 8601 with `Z`, its fraction without trailing zeros."""
    parts: int
    """Chain parts that are not 0 (a reversal's are its target's, filled in by the intake)."""
    latest_day: int
    """The latest of its dates, for the rule of MAX_DAYS_AHEAD."""
    details: bytes | None = None
    """JSON object of those of loan_ref, borrower_ref and memo that are given; None without any."""
    target_kind: int = 0
    target_ref: str = ""
    target_identity: bytes = b""
    """Reversals only; 0 and empty otherwise."""
    raw: Raw = None


@dataclass(slots=True)
class Quarantined:
    """A quarantined row, with its first fault in the order of the column table."""

    row: int
    field: str
    """The column; `row` for a fault of the row as a whole; `chain` for what the chain refuses."""
    value: str
    """The raw cell; bytes that cannot be shown as `\\xNN`."""
    reason: str
    event_id: str = ""
    """The event_id as given, if there was one (to tell the sender which row is meant)."""
    raw: Raw = None


Row = ParsedEvent | Quarantined
