"""Feeds from files and received bodies: CSV with a header, or JSON lines."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Literal

from app.domain.errors import FeedFault
from app.domain.events import ParsedEvent, Quarantined, Row
from app.domain.facility import EARLIEST_DAY, Facility
from app.intake import json_values
from app.intake.cells import COLUMNS, MAX_COLUMNS, NEEDED, NOT_UTF8, WHOLE_ROW, is_text, shown
from app.intake.csv_columns import CsvColumns
from app.intake.csv_rows import Record, records
from app.intake.damaged_names import damage, is_plain
from app.intake.encoding import Encoding, examine
from app.intake.file_kind import HEAD_BYTES, column_meant, explain, explain_braces, special_kind
from app.intake.lines import MAX_ROW, TOO_LONG, ByteStream, Lines
from app.intake.trailer import rows_of_trailer, tail_of
from app.intake.validation import Validator

_BLANK = " \t\r"
_BOM = "\ufeff"
_BOM_ESCAPED = "\udcef\udcbb\udcbf"
"""The same where bytes that are not ASCII are kept as surrogates."""
_JSON_START = re.compile(r"\s*\{\s*[\"}]")
_MAX_WARNINGS = 20
_ONE_A_LINE = "a feed has one object a line, in double quotes"
_MAX_NAMED = 20
"""Most columns that an error names."""


class Feed:
    """One feed whose header was found good.

    `warnings` grows while the rows are read. Raises FeedFault when the feed is unusable as a whole:
    of 0 bytes, without a header, with a missing or doubled column, or something else than a feed,
    which is then named.
    """

    def __init__(self, stream: ByteStream, name: str) -> None:
        self.name = name
        self.warnings: list[str] = []
        self._stream = stream
        self._unknown: set[str] = set()
        self._suspected: set[tuple[str, str]] = set()
        lines = self._lines("utf-8")
        first = self._first_line(lines)
        self._is_json = first.lstrip(_BLANK).startswith("{")
        self.header: bytes | None = None
        """A CSV's header as it stands in the file; None for JSON lines."""
        self._columns = CsvColumns([])
        try:
            if self._is_json:
                self._check_braces(first)
            if not self._is_json:
                lines.give_back(first)
                self._read_header(next(records(lines)))
        except FeedFault as fault:
            stream.seek(0)
            explanation = explain(stream.read(HEAD_BYTES))
            if explanation is None:
                raise
            raise self._fault(*explanation) from fault
        self._counted = self._check_trailer()

    def rows(self, validator: Validator) -> Iterator[Row]:
        """Every row, in file order, judged; may be called again."""
        self._stream.seek(0)
        encoding = examine(self._stream)
        if encoding.is_utf8 and encoding.looks_like:
            self.warnings.append(
                f"{self.name}: the file is UTF-8 by its bytes, but it looks like "
                f"{encoding.looks_like}: see that its texts are right"
            )
        lines = self._lines("utf-8" if encoding.is_utf8 else "ascii")
        lines.give_back(self._first_line(lines))
        read = self._json_rows if self._is_json else self._csv_rows
        rows = islice(read(lines, validator), self._counted)
        return rows if encoding.is_utf8 else self._not_utf8(rows, encoding)

    def _check_trailer(self) -> int | None:
        """How many rows stand before the trailer; None without one. Raises FeedFault where it says
        another number."""
        said = rows_of_trailer(tail_of(self._stream))
        if said is None:
            return None
        lines = self._lines("utf-8")
        lines.give_back(self._first_line(lines))
        if self._is_json:
            found = sum(1 for _ in _json_lines(lines))
        else:
            found = sum(1 for _ in records(lines)) - 1
        if found - 1 != said:
            raise self._fault(
                f"the trailer counts {said} rows, the file has {found - 1}",
                "Send the whole file; nothing of it was taken",
            )
        return said

    def _lines(self, encoding: Literal["utf-8", "ascii"]) -> Lines:
        self._stream.seek(0)
        return Lines(self._stream, encoding)

    def _first_line(self, lines: Lines) -> str:
        """The first line that is not blank, without a byte-order mark."""
        line = lines.take()
        if line is None:
            raise self._fault("the file has 0 bytes", "Send a file with at least a header")
        line = line.removeprefix(_BOM).removeprefix(_BOM_ESCAPED)
        lines.undecodable = not is_text(line)
        while not line.strip(_BLANK):
            following = lines.take()
            if following is None:
                raise self._fault("the file has no header", "Send a file with at least a header")
            line = following
        return line

    def _check_braces(self, first: str) -> None:
        """Not everything that begins with a brace is JSON."""
        if "\0" in first:
            raise self._fault("the file is no text", "Send JSON lines in UTF-8")
        if not _JSON_START.match(first):
            self._stream.seek(0)
            if explanation := explain_braces(self._stream.read(HEAD_BYTES)):
                raise self._fault(*explanation)

    def _read_header(self, record: Record) -> None:
        if record.cells is None:
            raise self._fault(f"the header {record.fault}", "Mend the first line")
        if len(record.cells) > MAX_COLUMNS:
            raise self._fault(
                f"the header has {len(record.cells)} columns, at most {MAX_COLUMNS} are possible",
                "Leave out what is no column of the feed",
            )
        columns = CsvColumns([shown(cell) for cell in record.cells])
        header, unnamed = columns.names, columns.unnamed
        if header.count("") > 1:
            raise self._fault(
                f"{header.count('')} columns before the last have no name",
                "Give each column a name, or remove those that are empty",
            )
        doubled = sorted(name for name, count in Counter(header).items() if count > 1)
        if doubled:
            named = ", ".join(repr(name) for name in doubled[:_MAX_NAMED])
            raise self._fault(f"the column {named} is doubled", "Keep one of each")
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise self._fault(
                f"the column {missing[0]} is missing"
                if len(missing) == 1
                else f"the columns {', '.join(missing)} are missing",
                "The first line must name the columns, separated by commas, spelled exactly so",
            )
        for name in header:
            self._warn_of(name)
        if unnamed:
            one = unnamed == 1
            which = "column" if one else f"{unnamed} columns"
            self.warnings.append(
                f"{self.name}: the {which} without a name at the end "
                f"{'is' if one else 'are'} ignored"
            )
        self._columns = columns
        self.header = record.text.encode("utf-8", "surrogateescape")

    def _csv_rows(self, lines: Lines, validator: Validator) -> Iterator[Row]:
        check, columns = validator.check, self._columns
        pick, width, unnamed = columns.pick, columns.width, columns.unnamed
        all_records = records(lines)
        next(all_records)
        lines.undecodable = False
        for record in all_records:
            cells, text = record.cells, record.text
            row: Row
            # Most rows have no fault: it is looked for only where there may be one.
            if cells is not None and len(cells) == width and not unnamed:
                fault = ""
            else:
                fault = columns.fault(record)
            if fault or cells is None:
                row = Quarantined(record.line, WHOLE_ROW, shown(text), fault)
            else:
                cells.append("")
                row = check(record.line, pick(cells))
                if isinstance(row, ParsedEvent) and not (
                    is_plain(row.event_id)
                    and is_plain(row.event_ref)
                    and row.value_day != EARLIEST_DAY
                ):
                    self._warn_of_values(row)
                if lines.undecodable and isinstance(row, ParsedEvent):
                    row = undecodable_elsewhere(row, cells)
            if cells is not None:
                row.raw = text
            yield row
            lines.undecodable = False

    def _json_rows(self, lines: Lines, validator: Validator) -> Iterator[Row]:
        known = frozenset(COLUMNS)
        for number, line in _json_lines(lines):
            row: Row
            if len(line) > MAX_ROW:
                yield Quarantined(number, WHOLE_ROW, shown(line), TOO_LONG)
                lines.undecodable = False
                continue
            if lines.undecodable:
                row = Quarantined(number, WHOLE_ROW, shown(line), NOT_UTF8)
            else:
                try:
                    value = json_values.decode(line)
                except ValueError as error:
                    row = Quarantined(
                        number, WHOLE_ROW, shown(line), f"is not JSON: {error}; {_ONE_A_LINE}"
                    )
                else:
                    if isinstance(value, dict) and not value.keys() <= known:
                        for key in value.keys() - known:
                            self._warn_of(key)
                    row = validator.check_object(number, value)
                    if isinstance(row, ParsedEvent):
                        self._warn_of_values(row)
            row.raw = line
            yield row
            lines.undecodable = False

    def _not_utf8(self, rows: Iterator[Row], encoding: Encoding) -> Iterator[Row]:
        """The rows of a file that is not UTF-8 throughout: none but ASCII is taken from it, and it
        is said what it looks like."""
        looks = f"it looks like {encoding.looks_like}" if encoding.looks_like else "it is unknown"
        self.warnings.append(f"{self.name}: the file is not UTF-8, {looks}; only ASCII is taken")
        reason = f"is not ASCII, in a file that is not UTF-8 ({looks}): save the file as UTF-8"
        for row in rows:
            if isinstance(row, Quarantined) and NOT_UTF8 in row.reason:
                row.reason = reason
            yield row

    def _warn_of(self, name: str) -> None:
        if name in COLUMNS or name in self._unknown or len(self._unknown) >= _MAX_WARNINGS:
            return
        self._unknown.add(name)
        meant = column_meant(name)
        hint = f"; did you mean {meant}?" if meant else ""
        self.warnings.append(f"{self.name}: the unknown column {shown(name)!r} is ignored{hint}")

    def _warn_of_values(self, event: ParsedEvent) -> None:
        """Once for each kind of damage that a good row may have."""
        for column, name in (("event_id", event.event_id), ("event_ref", event.event_ref)):
            if looks_like := damage(name):
                self._warn_once(event.row, column, name, f"looks like {looks_like}")
        if event.value_day == EARLIEST_DAY:
            self._warn_once(event.row, "value_date", "1980-01-01", "is the empty date of DOS")

    def _warn_once(self, row: int, column: str, value: str, what: str) -> None:
        if (column, what) not in self._suspected:
            self._suspected.add((column, what))
            self.warnings.append(
                f"{self.name}: row {row}: {column} {shown(value)!r} {what}; it was taken as it is"
            )

    def _fault(self, what: str, remedy: str) -> FeedFault:
        return FeedFault(what, where=self.name, remedy=remedy)


def _json_lines(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines that are not blank with their numbers; of one that is too long, its begin."""
    while (line := lines.take()) is not None:
        number = lines.number
        if len(line) > MAX_ROW:
            while lines.partial:
                lines.take()
        if line.strip(_BLANK):
            yield number, line


class JudgedFeed:
    """A feed's rows for one sender and facility; may be iterated again."""

    def __init__(self, feed: Feed, validator: Validator) -> None:
        self._feed = feed
        self._validator = validator

    @property
    def warnings(self) -> list[str]:
        """What was ignored; grows while the rows are read."""
        return list(dict.fromkeys(self._feed.warnings))

    @property
    def header(self) -> bytes | None:
        """A CSV's header as it stands in the file; None for JSON lines."""
        return self._feed.header

    def __iter__(self) -> Iterator[Row]:
        return self._feed.rows(self._validator)


class _JudgedFile(JudgedFeed):
    """Raises FeedFault where the file cannot be read on."""

    def __iter__(self) -> Iterator[Row]:
        with _reading(Path(self._feed.name)):
            yield from super().__iter__()


@contextmanager
def open_feed(path: Path, facility: Facility, sender: str) -> Iterator[JudgedFeed]:
    """Open a feed file. Raises FeedFault for an unusable file, UsageFault for an unfit sender."""
    validator = Validator(facility, sender)
    with _open(path) as stream:
        with _reading(path):
            feed = Feed(stream, str(path))
        yield _JudgedFile(feed, validator)


def check_header(path: Path) -> None:
    """Raise FeedFault for a file that is unusable as a whole, reading no more than its start."""
    with _open(path) as stream, _reading(path):
        Feed(stream, str(path))


def undecodable_elsewhere(event: ParsedEvent, cells: list[str]) -> Row:
    """A row whose own columns are good, but an unknown column may hold bytes that are no text."""
    bad = next((cell for cell in cells if not is_text(cell)), None)
    if bad is None:
        return event
    reason = f"an unknown column {NOT_UTF8}"
    return Quarantined(event.row, WHOLE_ROW, shown(bad), reason, event.event_id)


def _open(path: Path) -> BufferedReader:
    """Open a regular file. A pipe is none: a feed is read twice, and its end must be known."""
    with _reading(path):
        kind = special_kind(path.stat().st_mode)
        if not kind:
            return path.open("rb")
    raise FeedFault(
        f"the file cannot be read: it is {kind}",
        where=str(path),
        remedy="Write the feed into a file first",
    )


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
