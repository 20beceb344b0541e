"""CSV records from physical lines.

Cells are separated by commas; a cell that begins with `"` runs to its closing quote, over line
ends too, with `""` for a quote in it; anywhere else a quote is itself. Lines end with LF or CRLF.
Nothing inside quotes is ever taken for a row of its own: a quote that is never closed, or a row
that is too long to be kept, ends where the quote ends, be it the end of the file.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from app.intake.lines import MAX_ROW, TOO_LONG, Lines

# Rows are bounded by MAX_ROW, so their cells are, too; the module's own limit is lower.
csv.field_size_limit(MAX_ROW)

_BLANK = " \t\r,"
"""A line of nothing else is blank: spreadsheets write empty rows as commas."""
_QUOTED = re.compile(r'(?:[^"]++|"")*+')
_BARE = re.compile(r"[^,]*+")


@dataclass(slots=True)
class Record:
    """One record; `cells` is None where it cannot be split, and `fault` says why."""

    line: int
    text: str
    cells: list[str] | None
    fault: str = ""


def records(lines: Lines) -> Iterator[Record]:
    """The records that are not blank lines."""
    while (line := lines.take()) is not None:
        if '"' in line or len(line) > MAX_ROW:
            yield _with_quotes(line, lines)
        elif line.strip(_BLANK):
            if line[-1] == "\r":
                line = line[:-1]
            yield Record(lines.number, line, line.split(","))


def _with_quotes(line: str, lines: Lines) -> Record:
    """The record that begins with `line`, which has quotes or is too long."""
    first = lines.number
    if len(line) <= MAX_ROW:
        try:
            # Good for almost every row; it refuses what only the slow way below can judge.
            return Record(first, line, next(csv.reader((line.removesuffix("\r"),), strict=True)))
        except csv.Error:
            pass
    pieces, length, state = [line], len(line), _scan(_State.START, line)
    while lines.partial or state is _State.QUOTED:
        if not lines.partial:
            pieces.append("\n")
            length += 1
        more = lines.take()
        if more is None:
            return Record(first, line, None, "opens a quote that the file never closes")
        state = _scan(state, more)
        length += len(more)
        if length <= MAX_ROW:
            pieces.append(more)
        else:
            pieces.clear()
    if length > MAX_ROW:
        return Record(first, line, None, TOO_LONG)
    text = "".join(pieces)
    return Record(first, text, _split(text.removesuffix("\r")))


class _State(Enum):
    START = 0
    """At the first character of a cell."""
    BARE = 1
    QUOTED = 2
    CLOSING = 3
    """Behind a quote within a quoted cell: the closing one, or the first of two."""


def _scan(state: _State, text: str) -> _State:
    """The state after `text`, in steps of cells and not of characters."""
    at, end = 0, len(text)
    while at < end:
        if state is _State.QUOTED:
            found = _QUOTED.match(text, at)
            assert found is not None
            at = found.end()
            if at < end:
                at += 1
                state = _State.CLOSING
        elif state is not _State.BARE and text[at] == '"':
            at += 1
            state = _State.QUOTED
        else:
            # Outside of quotes the next quoted cell can only begin behind a comma.
            opening = text.find(',"', at)
            if opening < 0:
                return _State.START if text[-1] == "," else _State.BARE
            at = opening + 2
            state = _State.QUOTED
    return state


def _split(text: str) -> list[str]:
    """The cells of a whole record."""
    cells: list[str] = []
    at = 0
    while True:
        cell = ""
        if text.startswith('"', at):
            found = _QUOTED.match(text, at + 1)
            assert found is not None
            cell = found.group().replace('""', '"')
            at = found.end() + 1
        # What follows a closing quote belongs to the cell.
        found = _BARE.match(text, at)
        assert found is not None
        cells.append(cell + found.group())
        at = found.end() + 1
        if at > len(text):
            return cells
