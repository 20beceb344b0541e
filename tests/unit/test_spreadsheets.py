"""Lines of CSV that are joined at once are those that the csv module writes one by one."""

from __future__ import annotations

import csv
import random
from datetime import date
from io import StringIO

import pytest

from app.domain.money import format_amount
from app.reports.model import LinesTotal, Type
from app.reports.spreadsheets import Lines, all_guarded, guarded, write_rows
from app.reports.texts import shown_texts

CELLS = (
    "",
    "a",
    "1,5",
    'q"',
    "a\nb",
    "a\r\nb",
    "\r",
    "\0",
    " x ",
    "对账",
    "'=1",
    "=1+1",
    "\t",
    "a;=1",
)


@pytest.mark.parametrize("seed", range(50))
def test_joined_lines_are_those_of_the_csv_module(seed: int) -> None:
    chance = random.Random(seed)
    cells = ("", "a", "b c", "对账") if seed % 2 else CELLS
    columns = [[chance.choice(cells) for _ in range(7)] for _ in range(3)]
    expected, found = StringIO(newline=""), StringIO(newline="")
    csv.writer(Lines(expected)).writerows(zip(*columns, strict=True))
    write_rows(found, columns)
    assert found.getvalue() == expected.getvalue()
    for column in columns:
        assert all_guarded(column) == [guarded(one) for one in column]


def test_a_text_is_changed_at_its_beginning_alone() -> None:
    """A reference is what the bank wrote, for who reads the file by a program: INTERFACES.md."""
    assert guarded("A;=1+1") == "A;=1+1"
    assert all_guarded(["A;=1+1", "=1;-2"]) == ["A;=1+1", "'=1;-2"]


@pytest.mark.parametrize("decimals", [0, 2, 3])
def test_amounts_are_those_that_are_written_one_by_one(decimals: int) -> None:
    minor = [0, 1, -1, 9, 99, -99, 100, -100, 123, -123, 999, 1000, -1000, 12345, -(10**30), 10**30]
    total = LinesTotal(-5, "lines", "lead_book", ())
    texts = shown_texts(Type.MONEY, decimals, [*minor, None, total])
    assert texts == [
        *(format_amount(one, decimals) for one in minor),
        "",
        format_amount(-5, decimals),
    ]


def test_dates_and_texts() -> None:
    assert shown_texts(Type.DATE, 2, [date(2026, 3, 2), None]) == ["2026-03-02", ""]
    assert shown_texts(Type.TEXT, 2, ["a", None]) == ["a", ""]
    assert shown_texts(Type.COUNT, 2, [5, None]) == ["5", ""]
