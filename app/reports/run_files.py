"""The files of `tally reconcile --out`: matched.csv, breaks.csv and quarantine.csv.

Lines are sorted by everything but times, so that two runs over the same feeds give the same bytes
apart from `first_posted_at`. A text from a feed that a spreadsheet would take for a formula has an
apostrophe before it. However many lines there are, few are in memory.
"""

import csv
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Engine

from app.readmodel.directory import Directory, directory
from app.readmodel.pairs.export import EqualRow, PairRow, break_rows, matched_rows
from app.readmodel.values import kind_name, to_date, to_time
from app.reports.model import Type
from app.reports.sorting import sorted_lines
from app.reports.spreadsheets import Lines, all_guarded, guarded
from app.reports.texts import shown_texts

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
        texts = _CellTexts(partners, known.decimals)
        equal, within = matched_rows(connection, known.number)
        breaks = break_rows(connection, known.number)
        for name, lines in (
            ("matched", chain(_equal_lines(equal, texts), _lines(within, texts))),
            ("breaks", _lines(breaks, texts)),
        ):
            with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                _write_lines(file, sorted_lines(lines, out), partners)


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


class _CellTexts:
    """How the cells of a facility's pairs are written."""

    def __init__(self, partners: _Partners, decimals: int) -> None:
        self.partners = partners.codes
        self.kinds = _Texts(kind_name)
        self.dates = _Texts(lambda day: to_date(day).isoformat())
        self.times = _Texts(lambda at: to_time(at).strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._decimals = decimals

    def names(self, refs: Sequence[bytes | None], event_refs: Sequence[str | None]) -> list[str]:
        """Where the details could not be opened, the leg's keyed hash stands for its name."""
        return all_guarded(
            [name or f"#{(ref or b'').hex()}" for ref, name in zip(refs, event_refs, strict=True)]
        )

    def amounts(self, minor: Sequence[int | None]) -> list[str]:
        return shown_texts(Type.MONEY, self._decimals, minor)


def _equal_lines(chunks: Iterable[Sequence[EqualRow]], texts: _CellTexts) -> Iterator[str]:
    """The lines of rows, made column by column."""
    # What stands before and behind the name and the amounts; there are few of each.
    heads = _Texts(lambda of: f"{texts.partners[of[0]]}\0{texts.kinds[of[1]]}")
    (zero,) = texts.amounts([0])
    dates, times = texts.dates, texts.times
    ends = _Texts(lambda of: f"{zero}\0{dates[of[0]]}\0{dates[of[0]]}\0{times[of[1]]}")
    for rows in chunks:
        by, kind, ref, event_ref, amount, day, at = zip(*rows, strict=True)
        yield from [
            f"{head}\0{name}\0matched\0{text}\0{text}\0{end}"
            for head, name, text, end in zip(
                map(heads.__getitem__, zip(by, kind, strict=True)),
                texts.names(ref, event_ref),
                texts.amounts(amount),
                map(ends.__getitem__, zip(day, at, strict=True)),
                strict=True,
            )
        ]


def _lines(chunks: Iterable[Sequence[PairRow]], texts: _CellTexts) -> Iterator[str]:
    """The same of any pairs."""
    dates = texts.dates.__getitem__
    for rows in chunks:
        by, kind, ref, event_ref, types, lead, partner, lead_day, partner_day, at = zip(
            *rows, strict=True
        )
        differences = [
            None if one is None or other is None else other - one
            for one, other in zip(lead, partner, strict=True)
        ]
        yield from map(
            _BETWEEN.join,
            zip(
                map(texts.partners.__getitem__, by),
                map(texts.kinds.__getitem__, kind),
                texts.names(ref, event_ref),
                types,
                texts.amounts(lead),
                texts.amounts(partner),
                texts.amounts(differences),
                map(dates, lead_day),
                map(dates, partner_day),
                map(texts.times.__getitem__, at),
                strict=True,
            ),
        )


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
            cells = [line[_CODE:] for line in several[start:end]]
            text = name + f"\n{name}".join(cells)
            if name.isprintable() and not any(one in text for one in _QUOTED):
                file.write(text.replace(_BETWEEN, ",") + "\n")
            else:
                writer.writerows((name, *line.split(_BETWEEN)[1:]) for line in cells)
