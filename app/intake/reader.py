"""Feeds from files and other byte streams: CSV with a header, or JSON lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from operator import itemgetter
from pathlib import Path

from app.domain.errors import FeedFault
from app.domain.events import ParsedEvent, Quarantined, Row
from app.domain.facility import Facility
from app.intake import json_values
from app.intake.cells import COLUMNS, NEEDED, WHOLE_ROW, is_text, shown
from app.intake.csv_rows import Record, records
from app.intake.lines import MAX_ROW, TOO_LONG, ByteStream, Lines
from app.intake.validation import Validator

_BLANK = " \t\r"
_BOM = "\ufeff"
_MAX_WARNINGS = 20


class Feed:
    """One feed whose header was found good; iterate once over its rows, judged.

    `warnings` grows while the rows are read. Raises FeedFault when the feed is unusable as a whole:
    of 0 bytes, without a header, or with a missing or doubled column.
    """

    def __init__(self, stream: ByteStream, name: str) -> None:
        self.name = name
        self.warnings: list[str] = []
        self._lines = Lines(stream)
        self._unknown: set[str] = set()
        first = self._first_line()
        self._is_json = first.lstrip(_BLANK).startswith("{")
        self._lines.give_back(first)
        if not self._is_json:
            self._records = records(self._lines)
            self._header = self._read_header()

    def rows(self, validator: Validator) -> Iterator[Row]:
        """Every row, in file order."""
        return self._json_rows(validator) if self._is_json else self._csv_rows(validator)

    def _first_line(self) -> str:
        """The first line that is not blank, without a byte-order mark."""
        line = self._lines.take()
        if line is None:
            raise self._fault("the file has 0 bytes", "Send a file with at least a header")
        line = line.removeprefix(_BOM)
        while not line.strip(_BLANK):
            following = self._lines.take()
            if following is None:
                raise self._fault("the file has no header", "Send a file with at least a header")
            line = following
        return line

    def _read_header(self) -> list[str]:
        record: Record = next(self._records)
        if record.cells is None:
            raise self._fault(f"the header {record.fault}", "Mend the first line")
        header = [shown(cell) for cell in record.cells]
        doubled = sorted({name for name in header if header.count(name) > 1})
        if doubled:
            raise self._fault(
                f"the column {', '.join(map(repr, doubled))} is doubled", "Keep one of each"
            )
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise self._fault(
                f"the column {', '.join(missing)} is missing",
                "The first line must name the columns, separated by commas, spelled exactly so",
            )
        for name in header:
            self._warn_of(name)
        self._lines.undecodable = False
        return header

    def _csv_rows(self, validator: Validator) -> Iterator[Row]:
        header, lines = self._header, self._lines
        width = len(header)
        # A column that the feed does not have reads the empty cell appended to every row.
        pick = itemgetter(*(header.index(name) if name in header else width for name in COLUMNS))
        check = validator.check
        for record in self._records:
            cells = record.cells
            if cells is None:
                yield Quarantined(record.line, WHOLE_ROW, shown(record.text), record.fault)
            elif len(cells) != width:
                reason = f"has {len(cells)} cells, the header has {width}"
                yield Quarantined(record.line, WHOLE_ROW, shown(record.text), reason)
            else:
                cells.append("")
                row = check(record.line, pick(cells))
                if lines.undecodable and isinstance(row, ParsedEvent):
                    row = _undecodable_elsewhere(row, cells)
                yield row
            lines.undecodable = False

    def _json_rows(self, validator: Validator) -> Iterator[Row]:
        lines = self._lines
        known = frozenset(COLUMNS)
        while (line := lines.take()) is not None:
            number = lines.number
            if len(line) > MAX_ROW:
                while lines.partial:
                    lines.take()
                yield Quarantined(number, WHOLE_ROW, shown(line), TOO_LONG)
            elif not line.strip(_BLANK):
                continue
            elif lines.undecodable:
                yield Quarantined(number, WHOLE_ROW, shown(line), "holds bytes that are not UTF-8")
            else:
                try:
                    value = json_values.decode(line)
                except ValueError as error:
                    yield Quarantined(number, WHOLE_ROW, shown(line), f"is not JSON: {error}")
                else:
                    if isinstance(value, dict) and not value.keys() <= known:
                        for key in value.keys() - known:
                            self._warn_of(key)
                    yield validator.check_object(number, value)
            lines.undecodable = False

    def _warn_of(self, name: str) -> None:
        if name in COLUMNS or name in self._unknown or len(self._unknown) >= _MAX_WARNINGS:
            return
        self._unknown.add(name)
        self.warnings.append(f"{self.name}: the unknown column {shown(name)!r} is ignored")

    def _fault(self, what: str, remedy: str) -> FeedFault:
        return FeedFault(what, where=self.name, remedy=remedy)


class JudgedFeed:
    """A feed's rows for one sender and facility; iterable once."""

    def __init__(self, path: Path, stream: ByteStream, validator: Validator) -> None:
        self._path = path
        with _reading(path):
            self._feed = Feed(stream, str(path))
        self._validator = validator

    @property
    def warnings(self) -> list[str]:
        """What was ignored; grows while the rows are read."""
        return self._feed.warnings

    def __iter__(self) -> Iterator[Row]:
        with _reading(self._path):
            yield from self._feed.rows(self._validator)


@contextmanager
def open_feed(path: Path, facility: Facility, sender: str) -> Iterator[JudgedFeed]:
    """Open a feed file. Raises FeedFault for an unusable file, UsageFault for an unfit sender."""
    validator = Validator(facility, sender)
    with _open(path) as stream:
        yield JudgedFeed(path, stream, validator)


def check_header(path: Path) -> None:
    """Raise FeedFault for a file that is unusable as a whole, reading no more than its start."""
    with _open(path) as stream, _reading(path):
        Feed(stream, str(path))


def _undecodable_elsewhere(event: ParsedEvent, cells: list[str]) -> Row:
    """A row whose own columns are good, but an unknown column may hold bytes that are no text."""
    bad = next((cell for cell in cells if not is_text(cell)), None)
    if bad is None:
        return event
    return Quarantined(
        event.row,
        WHOLE_ROW,
        shown(bad),
        "an unknown column holds bytes that are not UTF-8",
        event.event_id,
    )


def _open(path: Path) -> BufferedReader:
    with _reading(path):
        return path.open("rb")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise FeedFault where the file cannot be read (on)."""
    try:
        yield
    except OSError as error:
        raise FeedFault(
            f"the file cannot be read ({error.strerror or error})",
            where=str(path),
            remedy="Check the path and its permissions",
        ) from error
