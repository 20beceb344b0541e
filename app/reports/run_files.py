"""The files of `tally reconcile --out`: matched.csv, breaks.csv and quarantine.csv.

Lines are sorted by everything but times, so that two runs over the same feeds give the same bytes
apart from `first_posted_at`. A text from a feed that a spreadsheet would take for a formula has an
apostrophe before it. However many lines there are, few are in memory.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from sqlalchemy import Engine

from app.domain.money import format_amount
from app.readmodel.directory import Directory, directory
from app.readmodel.pairs.export import PairRow, break_rows, matched_rows
from app.readmodel.values import kind_name, to_date, to_time
from app.reports.sorting import sorted_lines
from app.reports.spreadsheets import Lines, guarded

PAIR_COLUMNS = (
    "partner",
    "kind",
    "event_ref",
    "type",
    "lead_amount",
    "partner_amount",
    "difference",
    "lead_value_date",
    "partner_value_date",
    "first_posted_at",
)
QUARANTINE_COLUMNS = ("file", "row", "field", "value", "reason")

_BETWEEN = "\0"
"""Between the cells of a line while it is sorted: before every character that a cell can hold."""
_NUMBERS = 256
"""How many numbers of partners there are."""
_FIRST = 0x100
_QUOTED = re.compile(r'[",\r\n]')


def write_pairs(engine: Engine, facility: str, out: Path) -> None:
    """Write matched.csv and breaks.csv of a facility (its id) from the read model."""
    with engine.connect() as connection:
        names = directory(connection)
        known = names.facility(facility)
        assert known is not None, "it was reconciled"
        partners = _Partners(names, known.number)
        for name, rows in (("matched", matched_rows), ("breaks", break_rows)):
            with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                found = _lines(rows(connection, known.number), partners, known.decimals)
                _write_lines(file, sorted_lines(found, out), partners)


def write_quarantine(lines: Iterable[tuple[str, int, str, str, str]], out: Path) -> None:
    """Write quarantine.csv from (file, row, field, value, reason), which are in order."""
    with (out / "quarantine.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(Lines(file))
        writer.writerow(QUARANTINE_COLUMNS)
        writer.writerows(
            (guarded(name), str(row), field, guarded(value), guarded(why))
            for name, row, field, value, why in lines
        )


class _Partners:
    """One character for each partner of a facility, in the order of their names: a name may hold
    anything, and stands in no line that is sorted."""

    def __init__(self, names: Directory, facility: int) -> None:
        shown = {
            number: guarded(names.partner_name(facility, number)) for number in range(_NUMBERS)
        }
        ordered = sorted(shown, key=lambda number: (shown[number], number))
        self.characters = {number: chr(_FIRST + place) for place, number in enumerate(ordered)}
        """By number."""
        self.names = {self.characters[number]: name for number, name in shown.items()}
        """By character."""


def _lines(rows: Iterable[PairRow], partners: _Partners, decimals: int) -> Iterator[str]:
    characters = partners.characters
    kinds: dict[int, str] = {}
    dates: dict[int | None, str] = {None: ""}
    times: dict[int, str] = {}
    money = _money(decimals)
    for row in rows:
        partner, kind, ref, event_ref, type_, lead, other, lead_day, other_day, at = row
        if kind not in kinds:
            kinds[kind] = kind_name(kind)
        for day in (lead_day, other_day):
            if day not in dates:
                dates[day] = to_date(day).isoformat()
        if at not in times:
            times[at] = to_time(at).strftime("%Y-%m-%dT%H:%M:%SZ")
        lead_amount = money(lead)
        other_amount = lead_amount if other == lead else money(other)
        difference = "" if lead is None or other is None else money(other - lead)
        # Where the details could not be opened, the leg's keyed hash stands for its name.
        name = guarded(event_ref) if event_ref is not None else f"#{ref.hex()}"
        yield (
            f"{characters[partner]}\0{kinds[kind]}\0{name}\0{type_}\0{lead_amount}\0"
            f"{other_amount}\0{difference}\0{dates[lead_day]}\0{dates[other_day]}\0{times[at]}"
        )


def _money(decimals: int) -> Callable[[int | None], str]:
    """As `format_amount`, for many; empty for none."""
    unit = 10**decimals

    def money(minor: int | None) -> str:
        if minor is None:
            return ""
        if minor < 0 or not decimals:
            return format_amount(minor, decimals)
        return f"{minor // unit}.{minor % unit:0{decimals}d}"

    return money


def _write_lines(file: TextIO, lines: Iterable[str], partners: _Partners) -> None:
    writer = csv.writer(Lines(file))
    writer.writerow(PAIR_COLUMNS)
    for sorted_ in lines:
        line = partners.names[sorted_[0]] + sorted_[1:]
        if _QUOTED.search(line):
            writer.writerow(line.split(_BETWEEN))
        else:
            file.write(line.replace(_BETWEEN, ",") + "\n")
