"""What lies in the quarantine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, Row, Select, func, select

from app.db.vault import Vault, vault_of
from app.domain.errors import UsageFault
from app.intake.quarantine.kept_row import KeptRow
from app.intake.tables import feeds, quarantine, quarantine_steps
from app.readmodel.pairs.shapes import Page

Status = Literal["faulty", "ready", "accepted", "duplicate", "dismissed"]
WAITING: tuple[Status, ...] = ("faulty", "ready")
"""`ready`: nothing of it is at fault any more, and it was not replayed yet."""
DISMISSED: tuple[Status, ...] = ("dismissed",)
"""A person decided that it is not taken in; it stays among its feed's quarantined rows."""

_MOST_REASONS = 200
"""As many are shown."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows; what is None selects all. `reason` is the whole text of one."""

    facility: str | None = None
    feed_id: int | None = None
    field: str | None = None
    reason: str | None = None
    statuses: Sequence[Status] = WAITING
    numbers: Sequence[int] | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        """Of a query of `quarantine` joined with `feeds`."""
        if self.facility is not None:
            query = query.where(feeds.c.facility == self.facility)
        if self.feed_id is not None:
            query = query.where(quarantine.c.feed_id == self.feed_id)
        if self.field is not None:
            query = query.where(quarantine.c.field == self.field)
        if self.reason is not None:
            query = query.where(quarantine.c.reason == self.reason)
        if self.numbers is not None:
            query = query.where(quarantine.c.id.in_(self.numbers))
        return query.where(quarantine.c.status.in_(self.statuses))


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was quarantined, with the first fault that it has now; `field`, `value` and
    `reason` are empty where it has none. `at`: ISO 8601, UTC."""

    number: int
    facility: str
    feed_id: int
    feed: str
    source: str
    row: int
    status: str
    field: str
    value: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a column said before a step, and after it; empty where it was absent."""

    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody did about a row: mended, reread, replayed, dismissed or restored. `field` and
    `reason` are of the fault that was found then, and empty where there was none; `why` is what a
    person said who dismissed or restored it."""

    at: str
    by: str
    step: str
    encoding: str | None
    changes: dict[str, Change]
    status: str
    field: str
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class RowInFull:
    """A row with its text as it came (None: it is not kept), what it says now, and its steps."""

    row: QuarantinedRow
    text: str | None
    encoding: str | None
    columns: dict[str, str]
    steps: list[Step]


def quarantined(
    connection: Connection, where: Selection, limit: int, before: int | None
) -> Page[QuarantinedRow]:
    """Rows, newest first."""
    query = where.apply(_ROWS).order_by(quarantine.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(quarantine.c.id < before)
    vault = vault_of(connection)
    items = [_shown(row, vault) for row in connection.execute(query)]
    return Page(items[:limit], items[limit - 1].number if len(items) > limit else None)


@dataclass(frozen=True, slots=True)
class Reason:
    """The rows of a facility that wait for the same reason; an empty one: nothing is at fault any
    more, and they were not replayed yet."""

    facility: str
    field: str
    reason: str
    rows: int
    newest: str


def waiting_reasons(connection: Connection) -> list[Reason]:
    """Why rows wait, the reasons of most rows first."""
    rows = func.count()
    query = (
        select(
            feeds.c.facility,
            quarantine.c.field,
            quarantine.c.reason,
            rows,
            func.max(quarantine.c.at),
        )
        .join(feeds, feeds.c.id == quarantine.c.feed_id)
        .where(quarantine.c.status.in_(WAITING))
        .group_by(feeds.c.facility, quarantine.c.field, quarantine.c.reason)
        .order_by(rows.desc(), feeds.c.facility, quarantine.c.field, quarantine.c.reason)
        .limit(_MOST_REASONS)
    )
    return [Reason(*row) for row in connection.execute(query)]


def row_in_full(connection: Connection, number: int) -> RowInFull:
    """One row. Raises UsageFault where there is none of that number."""
    found = connection.execute(_ROWS.where(quarantine.c.id == number)).one_or_none()
    if found is None:
        raise UsageFault(f"no row of the quarantine has the number {number}", remedy=SEE_LIST)
    vault = vault_of(connection)
    kept = kept_row(found, vault)
    steps = connection.execute(
        select(quarantine_steps)
        .where(quarantine_steps.c.quarantine_id == number)
        .order_by(quarantine_steps.c.id)
    )
    return RowInFull(
        _shown(found, vault),
        None if kept is None else kept.text(),
        found.encoding,
        {} if kept is None else kept.columns(),
        [_step(row, vault) for row in steps],
    )


def kept_row(found: Row[Any], vault: Vault) -> KeptRow | None:
    """The row of a result of `rows_of`; None where it is not kept."""
    if found.raw is None:
        return None
    return KeptRow(
        found.row,
        None if found.header is None else vault.open(found.header),
        vault.open(found.raw),
        found.encoding,
        {} if found.mended is None else json.loads(vault.open(found.mended)),
    )


def _shown(found: Row[Any], vault: Vault) -> QuarantinedRow:
    return QuarantinedRow(
        found.id,
        found.facility,
        found.feed_id,
        found.name,
        found.source,
        found.row,
        found.status,
        found.field,
        vault.open(found.value).decode(),
        found.reason,
        found.at,
    )


def _step(found: Row[Any], vault: Vault) -> Step:
    changes = {} if found.changes is None else orjson.loads(vault.open(found.changes))
    return Step(
        found.at,
        found.by,
        found.step,
        found.encoding,
        {column: Change(*change) for column, change in changes.items()},
        found.status,
        found.field,
        found.reason,
        "" if found.why is None else vault.open(found.why).decode(),
    )


SEE_LIST = "`tally quarantine list` (GET /v1/quarantine) has their numbers"

_ROWS = select(quarantine, feeds.c.facility, feeds.c.name, feeds.c.source, feeds.c.header).join(
    feeds, feeds.c.id == quarantine.c.feed_id
)


def rows_of(numbers: Sequence[int]) -> Select[Any]:
    """The rows of those numbers with their feeds, in their order."""
    return _ROWS.where(quarantine.c.id.in_(numbers)).order_by(quarantine.c.id)
