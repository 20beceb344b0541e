"""A report as one JSON object: name, title, parameters, and sections with columns and rows.

Amounts are text with the currency's decimals, dates and times ISO 8601, counts numbers, what is
absent null. Rows are objects by the columns' names.
"""

from collections.abc import Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from app.domain.money import format_amount
from app.reports.model import Cell, Column, Report, Type, instant_text, plain

_CHUNK_ROWS = 5_000


def write_json(report: Report, path: Path) -> None:
    """Write the report to a file, rows as they are read."""
    head = {
        "report": report.name,
        "title": report.title,
        "parameters": dict(report.parameters),
        "signers": report.signers,
    }
    with path.open("wb") as file:
        file.write(orjson.dumps(head)[:-1] + b',"sections":[')
        for place, section in enumerate(report.sections):
            described = {
                "name": section.name,
                "note": section.note,
                "columns": [_column(report, column) for column in section.columns],
            }
            file.write(b"," * bool(place) + orjson.dumps(described)[:-1] + b',"rows":[')
            rows, between = iter(section.rows()), b"\n"
            while chunk := list(islice(rows, _CHUNK_ROWS)):
                for row in chunk:
                    file.write(between + orjson.dumps(_row(report, section.columns, row)))
                    between = b",\n"
            file.write(b"]}")
        file.write(b"]}\n")


def _column(report: Report, column: Column) -> dict[str, str]:
    described = {"name": column.name, "type": column.type.name.lower()}
    return described | ({"currency": report.currency} if column.type is Type.MONEY else {})


def _row(report: Report, columns: Sequence[Column], row: Sequence[Cell]) -> dict[str, Any]:
    return {
        column.name: _value(column.type, report.decimals, plain(cell))
        for column, cell in zip(columns, row, strict=True)
    }


def _value(type_: Type, decimals: int, value: Any) -> str | int | None:
    if value is None:
        return None
    if type_ is Type.MONEY:
        return format_amount(value, decimals)
    if type_ is Type.DATE:
        return date.isoformat(value)
    if type_ is Type.INSTANT:
        return instant_text(value)
    shown: str | int = value
    return shown
