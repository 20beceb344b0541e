"""Where a node keeps report files: those of jobs, and those that it writes by the calendar."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.reports.catalogue import FORMATS, REPORTS

_MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the node writes by itself: `[reports]` of its bank.toml."""

    folder: Path
    names: Sequence[str]
    formats: Sequence[str]
    hours_after_cut_off: int


@dataclass(frozen=True, slots=True)
class ScheduledFile:
    """A file in the schedule's folder. `written_at`: ISO 8601, UTC."""

    name: str
    size: int
    written_at: str

    @property
    def media_type(self) -> str:
        return next(
            one.media_type for one in FORMATS.values() if self.name.endswith(_ending(one.name))
        )


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """`folder` holds the jobs' files, each under the job's id, for the node's user alone."""

    folder: Path
    schedule: Schedule | None = None

    def of_job(self, id_: str) -> Path:
        return self.folder / id_

    def scheduled(self) -> list[ScheduledFile]:
        """The newest files of the schedule; of its folder's other files, none."""
        if self.schedule is None:
            return []
        found = []
        try:
            for path in self.schedule.folder.iterdir():
                if _is_report(path.name) and path.is_file() and not path.is_symlink():
                    seen = path.stat()
                    at = datetime.fromtimestamp(seen.st_mtime, UTC).isoformat(timespec="seconds")
                    found.append(ScheduledFile(path.name, seen.st_size, at))
        except OSError:  # it is not there yet, or a file of it is there no more
            pass
        found.sort(key=lambda one: (one.written_at, one.name), reverse=True)
        return found[:_MOST_LISTED]


def _is_report(name: str) -> bool:
    return (
        re.fullmatch(r"[\w.-]+", name) is not None
        and name.partition("_")[0] in REPORTS
        and name.endswith(tuple(map(_ending, FORMATS)))
    )


def _ending(format_: str) -> str:
    return FORMATS[format_].ending or f".{format_}"
