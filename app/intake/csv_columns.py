"""Where the columns of the feed stand in the rows of a CSV file."""

from collections.abc import Callable, Sequence
from operator import itemgetter

from app.intake.cells import COLUMNS
from app.intake.csv_rows import Record
from app.intake.hints import of_row

_BLANK = " \t\r"


class CsvColumns:
    """`names` are the header's cells without those at its end that have no name; `unnamed` counts
    these, `width` all cells of a row.

    `pick` takes the cells of a row without fault, and an empty one after them, to the order of
    COLUMNS.
    """

    def __init__(self, header: Sequence[str]) -> None:
        names = list(header)
        while names and not names[-1].strip(_BLANK):
            names.pop()
        self.names = names
        self.width = len(header)
        self.unnamed = self.width - len(names)
        # A column that the feed does not have reads the empty cell at the end.
        self.pick: Callable[[list[str]], tuple[str, ...]] = itemgetter(
            *(names.index(name) if name in names else self.width for name in COLUMNS)
        )

    def fault(self, record: Record) -> str:
        """Why the cells of a record belong to no columns; empty where they do."""
        cells = record.cells
        if cells is None:
            return record.fault
        if len(cells) != self.width:
            hint = of_row(record.text, cells, self.width)
            reason = f"has {len(cells)} cells, the header has {self.width}"
            return f"{reason}: {hint}" if hint else reason
        if self.unnamed and any(cell.strip(_BLANK) for cell in cells[len(self.names) :]):
            return "has a value in a column without a name"
        return ""
