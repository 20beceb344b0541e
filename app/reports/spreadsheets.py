"""CSV that spreadsheets read as it was meant: no text of a feed becomes a formula or a new line."""

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠−")
"""What a cell may not begin with, as OWASP has it: the full-width forms and the minus sign too,
which some programs read as the plain ones."""

_FIRST_CHARACTERS = frozenset(_FORMULA_STARTS)
_BETWEEN = "\0"
_QUOTED = '",\r'


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before one."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def all_guarded(texts: list[str]) -> list[str]:
    """`guarded` of each. There are millions, and in most columns nothing to guard."""
    if _FIRST_CHARACTERS.isdisjoint({text[:1] for text in texts}):
        return texts
    return [guarded(text) for text in texts]


def write_rows(file: TextIO, columns: Sequence[Iterable[str]]) -> None:
    """Write lines, given by column, as `csv.writer(Lines(file))` does; there are two columns or
    more. Where no cell needs quotes, which is seen for all at once, they are only joined."""
    rows = list(zip(*columns, strict=True))
    lines = list(map(_BETWEEN.join, rows))
    text = "\n".join(lines)
    if (
        any(one in text for one in _QUOTED)
        or text.count("\n") != len(lines) - 1
        or text.count(_BETWEEN) != len(lines) * (len(columns) - 1)
    ):
        csv.writer(Lines(file)).writerows(rows)
    else:
        file.write(text.replace(_BETWEEN, ",") + "\n")


class Lines:
    """A file for `csv.writer(Lines(file))`, whose lines end with a line feed.

    The writer quotes a carriage return in a cell only while its own lines end with one.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        """Write one row."""
        return self._file.write(line.removesuffix("\r\n") + "\n")
