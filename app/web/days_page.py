"""The days that were closed or proposed, and one day's statement with what it carries forward."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.locale import _
from app.readmodel.days.queries import carried_forward, day_record, day_records
from app.readmodel.days.shapes import CarriedPair, DayRecord
from app.readmodel.directory import Facility, directory
from app.web.text import moment

_LINES = 200

_TONES = {"closed": "good", "proposed": "pending", "disputed": "bad"}


@dataclass(frozen=True, slots=True)
class DayRow:
    """A statement in a list, with its facility; `tone` of its state: empty, good, pending or
    bad."""

    record: DayRecord
    facility: Facility
    tone: str

    @property
    def at(self) -> datetime:
        """When it was answered, or else proposed."""
        return self.record.answered_at or self.record.proposed_at


@dataclass(frozen=True, slots=True)
class DayPage:
    """One statement: what both banks signed, or what waits for the other's signature."""

    row: DayRow
    reopened: str
    carried: Sequence[CarriedPair]


def day_rows(
    connection: Connection,
    facility: str | None = None,
    partner: str | None = None,
    limit: int = _LINES,
) -> list[DayRow]:
    """Statements, those that wait for the other bank first, then the newest."""
    return _rows(
        connection,
        day_records(connection, facility, partner, limit=limit, waiting_first=True),
    )


def day_page(connection: Connection, number: int) -> DayPage | None:
    """The statement of a number; None where this view has none."""
    record = day_record(connection, number)
    if record is None:
        return None
    (row,) = _rows(connection, [record])
    return DayPage(row, _reopened(record), carried_forward(connection, record))


def _rows(connection: Connection, records: Sequence[DayRecord]) -> list[DayRow]:
    names = directory(connection)
    return [
        DayRow(one, names.known_facility(one.facility), _TONES.get(one.state, ""))
        for one in records
    ]


def _reopened(record: DayRecord) -> str:
    if record.reopened_at is not None:
        at = moment(record.reopened_at)
        return _("Opened again at %(at)s UTC, asked for by %(bank)s.", at=at, bank=record.reopen_by)
    if record.reopen_by is not None:
        return _("%(bank)s asks to open it again; the other bank decides.", bank=record.reopen_by)
    return ""
