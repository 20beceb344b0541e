"""Reports that a node writes by itself: of each facility, once a business date has ended.

A file is written beside its place, readable for this user alone, and put there when it is whole. A
file that is there is not written again, so that a node that was down makes up for the last days.
"""

import os
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Engine

from app.config import ReportSchedule
from app.domain.errors import ConfigFault, TallyError, UsageFault
from app.node.jobs.chain_clock import business_days
from app.reports.catalogue import FORMATS, REPORTS, file_name
from app.reports.source import Request, open_source

_DAYS = 7
"""How many ended dates are looked at: what is older is asked for by hand."""

_log = structlog.get_logger()


class ScheduledReports:
    """Writes what is due by the chain's clock. `schedule` None: nothing is."""

    def __init__(self, engine: Engine, schedule: ReportSchedule | None) -> None:
        """Raises ConfigFault for a report or format that is none of ours."""
        self._engine = engine
        self._schedule = schedule
        if schedule is not None:
            for what, named, known in (
                ("names", schedule.names, REPORTS),
                ("formats", schedule.formats, FORMATS),
            ):
                for one in named:
                    if one not in known:
                        raise ConfigFault(
                            f"reports.{what}: {one!r} is none of ours",
                            remedy=f"There are: {', '.join(known)}",
                        )

    def look(self) -> None:
        """Write what is due and not there. Raises the last TallyError, when the others are made."""
        if self._schedule is None:
            return
        trouble: TallyError | None = None
        for facility, day in self._ended(self._schedule.hours_after_cut_off):
            for name in self._schedule.names:
                try:
                    self._make(self._schedule, name, facility, day)
                except TallyError as fault:
                    trouble = fault
                except OSError as fault:
                    trouble = UsageFault(
                        f"the report cannot be written ({fault.strerror})",
                        where=str(self._schedule.folder),
                    )
        if trouble is not None:
            raise trouble

    def _ended(self, hours: int) -> Iterator[tuple[str, date]]:
        """Each facility in force, and its last business dates that have ended so long ago."""
        for one, running in business_days(self._engine, timedelta(hours=hours)):
            if one.state in ("active", "paused"):
                for day in range(running - _DAYS, running):
                    yield one.terms.id, date.fromordinal(day)

    def _make(self, schedule: ReportSchedule, name: str, facility: str, day: date) -> None:
        request = Request(facility=facility, first=day, last=day)
        paths = {
            one: schedule.folder / file_name(name, request, FORMATS[one])
            for one in schedule.formats
        }
        missing = {one: path for one, path in paths.items() if not path.exists()}
        if not missing:
            return
        schedule.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open_source(self._engine, request) as source:
            report = REPORTS[name](source)
            for one, path in missing.items():
                # Private from its first byte: mkstemp makes it 0600.
                handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
                os.close(handle)
                try:
                    FORMATS[one].write(report, Path(beside))
                    Path(beside).replace(path)
                finally:
                    Path(beside).unlink(missing_ok=True)
                _log.info("report written", file=path.name, block=source.as_of.block_number)
