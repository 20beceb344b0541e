"""`tally report`: the auditors' report of a facility."""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from xlsxwriter.exceptions import XlsxWriterException

from app.cli.console import stderr
from app.cli.reading import DEFAULT_CONFIG, ConfigOption, reading
from app.domain.errors import UsageFault
from app.reports.csv_report import ENCODING, write_csv
from app.reports.reconciliation import ReconciliationReport, open_report
from app.reports.xlsx_report import write_xlsx

_DAY = ["%Y-%m-%d"]


class ReportFormat(StrEnum):
    """The file's format."""

    csv = "csv"
    xlsx = "xlsx"


def report(
    facility: Annotated[str, typer.Option(metavar="ID", help="The facility's id.")],
    first: Annotated[
        datetime, typer.Option("--from", formats=_DAY, help="First business date, included.")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=_DAY, help="Last business date, included.")
    ],
    format_: Annotated[
        ReportFormat, typer.Option("--format", help="csv for programs, xlsx for people.")
    ] = ReportFormat.xlsx,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to; - is standard output (csv). [default: a new name here]"
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write opening, movements, closing, matched pairs and every break between two business dates.

    The report names the block as of which it was made. It is made only when its totals equal the
    contract's own books after that block.

    Example:

      tally report --facility WLD-2016-A --from 2026-03-01 --to 2026-03-31 --format xlsx
    """
    to_stdout = out == Path("-")
    if to_stdout and format_ is ReportFormat.xlsx:
        raise UsageFault("a workbook cannot go to standard output", remedy="Give --out FILE")
    first_day, last_day = first.date(), last.date()
    with (
        reading(config) as engine,
        open_report(engine, facility, first_day, last_day, datetime.now(UTC)) as made,
    ):
        if to_stdout:
            sys.stdout.reconfigure(encoding=ENCODING, newline="")  # type: ignore[union-attr]
            write_csv(made, sys.stdout)
            return
        path = out or Path(f"{_file_name(facility)}_{first_day}_{last_day}.{format_}")
        if format_ is ReportFormat.csv:
            _written(path, lambda target: _write_csv(made, target))
        else:
            _written(path, lambda target: write_xlsx(made, target))
        breaks = sum(
            count
            for account in made.accounts
            for name, count in account.counts.items()
            if name not in ("matched", "within_tolerance")
        )
        line = f"{path}: {len(made.accounts)} accounts, {breaks:,} breaks"
        stderr.print(Text(f"{line}, as of block {made.as_of.block_number:,}"))


def _write_csv(made: ReconciliationReport, path: Path) -> None:
    with path.open("w", encoding=ENCODING, newline="") as file:
        write_csv(made, file)


def _written(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside `path` and put it in place when it is whole: never half a report."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as fault:
        raise UsageFault(
            f"the report cannot be written ({fault.strerror})",
            where=str(path),
            remedy="Give --out a file in a folder that may be written",
        ) from None
    os.close(handle)
    beside = Path(name)
    try:
        write(beside)
        beside.replace(path)
    except (OSError, XlsxWriterException) as fault:
        raise UsageFault(f"the report cannot be written ({fault})", where=str(path)) from None
    finally:
        beside.unlink(missing_ok=True)


def _file_name(facility: str) -> str:
    """A facility's id as part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in facility)
