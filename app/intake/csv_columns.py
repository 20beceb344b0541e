"""Where the columns of the feed stand in the rows of a CSV file."""

from collections.abc import Sequence
from operator import itemgetter

from app.intake.cells import COLUMNS
from app.intake.csv_rows import Record

_BLANK = " \t\r"


class CsvColumns:
    """`names` are the header's cells without those at its end that have no name; `unnamed` counts
    these."""

    def __init__(self, header: Sequence[str]) -> None:
        names = list(header)
        while names and not names[-1].strip(_BLANK):
            names.pop()
        self.names = names
        self.unnamed = len(header) - len(names)
        self._named = len(names)
        self._width = len(header)
        # A column that the feed does not have reads the empty cell appended to every row.
        self._pick = itemgetter(
            *(names.index(name) if name in names else self._width for name in COLUMNS)
        )

    def fault(self, record: Record) -> str:
        """Why the cells of a record belong to no columns; empty where they do."""
        cells = record.cells
        if cells is None:
            return record.fault
        if len(cells) != self._width:
            return f"has {len(cells)} cells, the header has {self._width}"
        if self.unnamed and any(cells[self._named :]):
            return "has a value in a column without a name"
        return ""

    def pick(self, cells: list[str]) -> tuple[str, ...]:
        """The cells of a record without fault, in the order of COLUMNS."""
        cells.append("")
        picked: tuple[str, ...] = self._pick(cells)
        return picked
