"""The feeds that this node received, what of them waits for a person, and one quarantined row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import Connection

from app.intake.cells import COLUMNS, WHOLE_ROW
from app.intake.feed_records import FeedRecord, feed_records
from app.intake.quarantine.kept_row import ENCODINGS
from app.intake.quarantine.queries import (
    DISMISSED,
    WAITING,
    QuarantinedRow,
    Reason,
    RowInFull,
    Selection,
    quarantined,
    row_in_full,
    waiting_reasons,
)
from app.locale import N_, _, said
from app.outbox.dead_letters import DeadLetter, StoppedBatch, all_letters, stopped_batches

PAGE_ROWS = 50
_MOST_LETTERS = 100

_TONES = {"faulty": "bad", "ready": "pending", "accepted": "good", "duplicate": "", "dismissed": ""}
_SOURCES = {
    "file": N_("File"),
    "folder": N_("Folder"),
    "bulk": N_("REST, many"),
    "push": N_("REST, one by one"),
    "upload": N_("Upload"),
}


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed in the list. `rows_query` asks for its quarantined rows; empty where it has none."""

    record: FeedRecord
    source: str
    rows_query: str


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Rows that wait for one reason. `title` says it in words; `query` asks for the rows."""

    reason: Reason
    title: str
    query: str


@dataclass(frozen=True, slots=True)
class FeedsPage:
    feeds: Sequence[FeedRow]
    following: int | None
    reasons: Sequence[ReasonRow]
    waiting: int
    letters: Sequence[DeadLetter]
    """The oldest of them; `letter_count` counts all."""
    letter_count: int
    stopped: Sequence[StoppedBatch]


@dataclass(frozen=True, slots=True)
class RowFilters:
    """Which quarantined rows, as it stands in the address; `show` is waiting or dismissed."""

    facility: str | None = None
    feed_id: int | None = None
    field: str | None = None
    reason: str | None = None
    show: str = "waiting"

    def selection(self) -> Selection:
        statuses = DISMISSED if self.show == "dismissed" else WAITING
        return Selection(self.facility, self.feed_id, self.field, self.reason, statuses)

    def given(self) -> dict[str, str]:
        """What narrows the rows, by name."""
        found = {
            "facility": self.facility,
            "feed_id": None if self.feed_id is None else str(self.feed_id),
            "field": self.field,
            "reason": self.reason,
        }
        return {name: value for name, value in found.items() if value is not None}

    def query(self, before: int | None = None, show: str | None = None) -> str:
        asked = self.given() | {"show": show or self.show}
        if before is not None:
            asked["before"] = str(before)
        return "?" + urlencode(asked)


@dataclass(frozen=True, slots=True)
class RowLine:
    """A quarantined row in the list."""

    row: QuarantinedRow
    tone: str
    fault: str


@dataclass(frozen=True, slots=True)
class RowsPage:
    filters: RowFilters
    lines: Sequence[RowLine]
    following: int | None
    encodings: Sequence[str]
    can_reread: bool
    """Whether the rows are of one file: only a file is read again."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a row: what it says now; `faulty` where the fault is."""

    column: str
    value: str
    faulty: bool


@dataclass(frozen=True, slots=True)
class RowPage:
    """One quarantined row; `waits` where something may still be done about it."""

    found: RowInFull
    tone: str
    fault: str
    cells: Sequence[Cell]
    waits: bool


def feeds_page(connection: Connection, before: int | None) -> FeedsPage:
    """The newest feeds, and all that waits for a person."""
    records, following = feed_records(connection, PAGE_ROWS, before)
    letters = all_letters(connection)
    reasons = [_reason(one) for one in waiting_reasons(connection)]
    return FeedsPage(
        [_feed(one) for one in records],
        following,
        reasons,
        sum(one.reason.rows for one in reasons),
        letters[:_MOST_LETTERS],
        len(letters),
        stopped_batches(connection),
    )


def rows_page(connection: Connection, filters: RowFilters, before: int | None) -> RowsPage:
    """Quarantined rows, newest first."""
    page = quarantined(connection, filters.selection(), PAGE_ROWS, before)
    return RowsPage(
        filters,
        [RowLine(row, _TONES[row.status], fault_text(row.field, row.reason)) for row in page.items],
        page.following,
        ENCODINGS,
        filters.feed_id is not None,
    )


def row_page(connection: Connection, number: int, typed: Mapping[str, str] | None) -> RowPage:
    """One row; `typed` is put in the place of what its columns say. Raises UsageFault where there
    is none of that number."""
    found = row_in_full(connection, number)
    row = found.row
    says = {**found.columns, **(typed or {})}
    return RowPage(
        found=found,
        tone=_TONES[row.status],
        fault=fault_text(row.field, row.reason),
        cells=[Cell(column, says.get(column, ""), column == row.field) for column in COLUMNS],
        waits=row.status in WAITING,
    )


def fault_text(field: str, reason: str) -> str:
    """A fault in words: the column, and what is wrong with it."""
    if not reason:
        return _("Nothing is at fault any more.")
    subject = {WHOLE_ROW: _("The row"), "chain": _("The date")}.get(field, field)
    return _("%(column)s %(fault)s", column=subject, fault=said(reason))


def _feed(record: FeedRecord) -> FeedRow:
    query = RowFilters(feed_id=record.id).query() if record.quarantined else ""
    return FeedRow(record, _SOURCES.get(record.source, record.source), query)


def _reason(one: Reason) -> ReasonRow:
    filters = RowFilters(facility=one.facility, field=one.field, reason=one.reason)
    return ReasonRow(one, fault_text(one.field, one.reason), filters.query())
