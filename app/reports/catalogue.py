"""The reports by name, and the formats that each can be written in."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from app.reports.breaks import break_ageing
from app.reports.day_closes import day_closes
from app.reports.exceptions import exceptions
from app.reports.limits import limits
from app.reports.membership import membership
from app.reports.model import Report
from app.reports.reconciliation import reconciliation
from app.reports.reserve_statement import reserve_statement
from app.reports.resolutions import resolution_log
from app.reports.source import Request, Source

REPORTS: dict[str, Callable[[Source], Report]] = {
    "reconciliation": reconciliation,
    "reserve-statement": reserve_statement,
    "break-ageing": break_ageing,
    "resolution-log": resolution_log,
    "day-closes": day_closes,
    "membership": membership,
    "limits": limits,
    "exceptions": exceptions,
}


@dataclass(frozen=True, slots=True)
class Format:
    """A format; `ending` of its files where it is not the name."""

    name: str
    media_type: str
    ending: str = ""

    def write(self, report: Report, path: Path) -> None:
        """Write a report to a file. The libraries behind a format are loaded when it is used."""
        writer = import_module(f"app.reports.write_{self.name}")
        getattr(writer, f"write_{self.name}")(report, path)


FORMATS = {
    one.name: one
    for one in (
        Format("csv", "text/csv; charset=utf-8"),
        Format("json", "application/json"),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Format("parquet", "application/zip", ".parquet.zip"),
        Format("pdf", "application/pdf"),
    )
}


def file_name(name: str, request: Request, format_: Format) -> str:
    """The name of a report's file, which says what it holds."""
    dates = (request.first.isoformat(), request.last.isoformat())
    words = (name, request.facility, request.partner, *dates)
    text = "_".join(word for word in words if word)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in text)
    return safe + (format_.ending or f".{format_.name}")
