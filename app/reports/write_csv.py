"""A report as one CSV file.

The column `section` says what a line is; columns that do not belong to its section are empty. The
lines of section `report` are the report's parameters, `item` and `value`. UTF-8 with a byte-order
mark, so that spreadsheets read it; pandas does, too. A text that a spreadsheet would take for a
formula has an apostrophe before it.
"""

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

from app.reports.model import Cell, Report, Section
from app.reports.spreadsheets import Lines, guarded, write_rows
from app.reports.texts import cell_texts

ENCODING = "utf-8-sig"
_CHUNK_ROWS = 5_000
_HEADING = ("section", "item", "value")


def write_csv(report: Report, path: Path) -> None:
    """Write the report to a file."""
    with path.open("w", encoding=ENCODING, newline="") as file:
        write_csv_lines(report, file)


def write_csv_lines(report: Report, file: TextIO) -> None:
    """Write the report; `file` was opened with `newline=""`."""
    names = dict.fromkeys(
        (*_HEADING, *(column.name for section in report.sections for column in section.columns))
    )
    places = {name: place for place, name in enumerate(names)}
    writer = csv.writer(Lines(file))
    writer.writerow(names)
    empty = ("",) * (len(names) - len(_HEADING))
    writer.writerows(("report", item, guarded(value), *empty) for item, value in report.parameters)
    for section in report.sections:
        rows = iter(section.rows())
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            write_rows(file, _columns(report, section, chunk, places))


def _columns(
    report: Report, section: Section, chunk: Sequence[Sequence[Cell]], places: dict[str, int]
) -> list[Sequence[str]]:
    """The chunk's lines, by column."""
    columns: list[Sequence[str]] = [("",) * len(chunk)] * len(places)
    columns[0] = (section.name,) * len(chunk)
    for column, cells in zip(section.columns, zip(*chunk, strict=True), strict=True):
        columns[places[column.name]] = cell_texts(column.type, report.decimals, cells)
    return columns
