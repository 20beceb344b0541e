"""CSV that spreadsheets read as it was meant: no text of a feed becomes a formula or a new line."""

from typing import TextIO

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠−")
"""What a cell may not begin with, as OWASP has it: the full-width forms and the minus sign too,
which some programs read as the plain ones."""


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before one."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


class Lines:
    """A file for `csv.writer(Lines(file))`, whose lines end with a line feed.

    The writer quotes a carriage return in a cell only while its own lines end with one.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        """Write one row."""
        return self._file.write(line.removesuffix("\r\n") + "\n")
