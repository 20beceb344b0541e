"""How long reports take to be written, beside what pandas and XlsxWriter take for the same lines.

Each is measured in a process of its own, with the most memory that it held. Lines of ours are made
as they are written; the others' frame, or rows, are there before their clock starts.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from app.reports.catalogue import FORMATS
from app.reports.model import Report, Row, Section
from app.reports.reconciliation import LINES

_DAYS = [date(2026, 1, 1) + timedelta(days=place) for place in range(250)]
_TEXT_COLUMNS, _DATE_COLUMNS = 6, 3


def reports(folder: Path, lines: int) -> dict[str, Any]:
    """CPU seconds and the most megabytes, ours and the other's, for each format."""
    figures: dict[str, Any] = {"lines": lines}
    for name in ("csv", "parquet", "xlsx"):
        for whose in ("ours", "theirs"):
            ran = subprocess.run(
                [sys.executable, "-m", "tests.bench.reports", whose, name, str(lines), folder],
                stdout=subprocess.PIPE,
                check=True,
            )
            for what, value in json.loads(ran.stdout).items():
                figures[f"{name}_{whose}_{what}"] = value
    return figures


def _rows(lines: int) -> Iterator[Row]:
    for place in range(lines):
        day = _DAYS[place % 250]
        amount = place * 7919 % 1_000_000_00 - 50_000_000
        yield (
            "huarui", "matched", "principal", f"L{place:09d}", f"{place:040x}", None,
            day, day, day, amount, amount, amount,
        )  # fmt: skip


def _ours(name: str, lines: int, path: Path) -> float:
    section = Section("lines", "Every movement", LINES, lambda: _rows(lines))
    report = Report(
        name="bench",
        title="Bench",
        parameters=(("facility", "WLD-2016-A"),),
        block_time=datetime(2026, 1, 1, tzinfo=UTC),
        currency="CNY",
        decimals=2,
        sections=(Section("summary", "Nothing", LINES[:1], lambda: ()), section),
    )
    started = time.process_time()
    FORMATS[name].write(report, path)
    return time.process_time() - started


def _theirs(name: str, lines: int, path: Path) -> float:
    if name == "xlsx":
        return _xlsxwriter(lines, path)
    frame = pd.DataFrame(_rows(lines), columns=[column.name for column in LINES])
    for column in LINES[-3:]:
        frame[column.name] = pd.Series(
            [Decimal(minor).scaleb(-2) for minor in frame[column.name].tolist()], dtype=object
        )
    write: Callable[..., Any] = frame.to_csv if name == "csv" else frame.to_parquet
    started = time.process_time()
    write(path, index=False)
    return time.process_time() - started


def _xlsxwriter(lines: int, path: Path) -> float:
    """Its constant-memory mode, with the formats that typed cells need and nothing else."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    started = time.process_time()
    with xlsxwriter.Workbook(str(path), options) as workbook:
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        money = workbook.add_format({"num_format": "#,##0.00"})
        text = workbook.add_format()
        sheet = workbook.add_worksheet()
        for place, row in enumerate(_rows(lines), start=1):
            for column, cell in enumerate(row):
                if column < _TEXT_COLUMNS:
                    sheet.write(place, column, cell, text)
                elif column < _TEXT_COLUMNS + _DATE_COLUMNS:
                    sheet.write(place, column, cell, day)
                else:
                    sheet.write(place, column, Decimal(str(cell)).scaleb(-2), money)
    return time.process_time() - started


if __name__ == "__main__":
    whose, name, lines, folder = sys.argv[1:]
    measure = _ours if whose == "ours" else _theirs
    seconds = measure(name, int(lines), Path(folder) / f"{whose}.{name}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": round(seconds, 1), "megabytes": peak}))
