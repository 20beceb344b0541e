"""The files of `tally reconcile --out`: matched.csv, breaks.csv and quarantine.csv.

Lines are sorted by everything but times, so that two runs over the same feeds give the same bytes
apart from `first_posted_at`. A text from a feed that a spreadsheet would take for a formula has an
apostrophe before it. However many lines there are, few are in memory.
"""

import csv
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Engine

from app.domain.money import format_amount
from app.readmodel.directory import Directory, directory
from app.readmodel.pairs.export import PairRow, break_rows, matched_rows
from app.readmodel.values import kind_name, to_date, to_time
from app.reports.sorting import sorted_lines
from app.reports.spreadsheets import Lines, all_guarded, guarded

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
_CODE = 2
"""How many characters stand for a partner's name."""
_QUOTED = '",\r'
_LINES_AT_A_TIME = 5_000


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
    """_CODE characters for each partner of a facility, in the order of their names: a name may hold
    anything, and stands in no line that is sorted."""

    def __init__(self, names: Directory, facility: int) -> None:
        shown = {
            number: guarded(names.partner_name(facility, number)) for number in range(_NUMBERS)
        }
        ordered = sorted(shown, key=lambda number: (shown[number], number))
        self.codes = {number: f"{place:0{_CODE}x}" for place, number in enumerate(ordered)}
        """By number."""
        self.names = {self.codes[number]: name for number, name in shown.items()}
        """By code."""


class _Texts(dict[Any, str]):
    """What few values are written as, each made once."""

    def __init__(self, text_of: Callable[[Any], str]) -> None:
        super().__init__({None: ""})
        self._text_of = text_of

    def __missing__(self, value: Any) -> str:
        text = self[value] = self._text_of(value)
        return text


def _lines(
    chunks: Iterable[Sequence[PairRow]], partners: _Partners, decimals: int
) -> Iterator[str]:
    """The lines of rows, made column by column."""
    kinds = _Texts(kind_name)
    dates = _Texts(lambda day: to_date(day).isoformat())
    times = _Texts(lambda at: to_time(at).strftime("%Y-%m-%dT%H:%M:%SZ"))
    money = _money(decimals)
    zero = money(0)
    for rows in chunks:
        by, kind, ref, event_ref, types, lead, partner, lead_day, partner_day, at = zip(
            *rows, strict=True
        )
        # Where the details could not be opened, the leg's keyed hash stands for its name.
        names = all_guarded(
            [
                f"#{ref[place].hex()}" if name is None else name
                for place, name in enumerate(event_ref)
            ]
        )
        leads = ["" if one is None else money(one) for one in lead]
        yield from map(
            _BETWEEN.join,
            zip(
                map(partners.codes.__getitem__, by),
                map(kinds.__getitem__, kind),
                names,
                types,
                leads,
                # Most are the lead's.
                [
                    text if one == other else "" if other is None else money(other)
                    for one, other, text in zip(lead, partner, leads, strict=True)
                ],
                [
                    zero
                    if one == other
                    else ""
                    if one is None or other is None
                    else money(other - one)
                    for one, other in zip(lead, partner, strict=True)
                ],
                map(dates.__getitem__, lead_day),
                map(dates.__getitem__, partner_day),
                map(times.__getitem__, at),
                strict=True,
            ),
        )


def _money(decimals: int) -> Callable[[int], str]:
    """As `format_amount`, for many."""
    unit = 10**decimals

    def money(minor: int) -> str:
        if minor < unit or not decimals:
            return format_amount(minor, decimals)
        digits = str(minor)
        return f"{digits[:-decimals]}.{digits[-decimals:]}"

    return money


def _write_lines(file: TextIO, lines: Iterable[Sequence[str]], partners: _Partners) -> None:
    writer = csv.writer(Lines(file))
    writer.writerow(PAIR_COLUMNS)
    for several in lines:
        end = 0
        while end < len(several):
            start, code = end, several[end][:_CODE]
            of_partner = bisect_right(several, code, start, key=itemgetter(slice(_CODE)))
            end = min(of_partner, start + _LINES_AT_A_TIME)
            name = partners.names[code]
            text = "\n".join(("", *several[start:end])).replace(f"\n{code}", f"\n{name}")
            if name.isprintable() and not any(one in text for one in _QUOTED):
                file.write(text[1:].replace(_BETWEEN, ",") + "\n")
            else:
                rows = (line.split(_BETWEEN) for line in several[start:end])
                writer.writerows((name, *cells) for _, *cells in rows)
