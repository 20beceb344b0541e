"""A quarantined row as it came, with what people changed of it, judged again as any row is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal, get_args

from app.domain.events import ParsedEvent, Quarantined, Row
from app.intake import json_values
from app.intake.cells import COLUMNS, NOT_UTF8, WHOLE_ROW, shown
from app.intake.csv_columns import CsvColumns
from app.intake.csv_rows import records
from app.intake.lines import Lines
from app.intake.reader import undecodable_elsewhere
from app.intake.validation import Validator, cells_of

ASCII = "ascii"
"""The encoding of a row whose file is not UTF-8 throughout: its other bytes are unknown."""

Encoding = Literal[
    "utf-8", "gb18030", "big5", "shift_jis", "euc_kr", "cp1252", "cp1250", "cp1251", "euc_jp",
    "koi8_r", "cp866", "cp1255", "cp1256",
]  # fmt: skip
"""In which a file can be read again. GBK and GB2312 are parts of GB18030, Latin-1 is of cp1252."""
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

_NOT_ASCII = "is not ASCII, in a file that is not UTF-8: read the file again in its own encoding"


@dataclass(frozen=True, slots=True)
class KeptRow:
    """`row` is its line in the feed, `header` the feed's where that is a CSV, `raw` its bytes."""

    row: int
    header: bytes | None
    raw: bytes
    encoding: str
    mended: Mapping[str, str] = field(default_factory=dict)

    def judge(self, validator: Validator) -> Row:
        """What any row's validation says of it now."""
        try:
            found = self._read()
        except UnicodeDecodeError as error:
            value = shown(self.raw.decode("ascii", "surrogateescape"))
            reason = f"is not {self.encoding} throughout (byte {error.start + 1} of the row)"
            return Quarantined(self.row, WHOLE_ROW, value, reason)
        if self.mended:
            cells = list(found.cells or [""] * len(COLUMNS))
            for column, value in self.mended.items():
                cells[COLUMNS.index(column)] = value
            judged = validator.check(self.row, cells)
        elif found.cells is None:
            judged = Quarantined(self.row, WHOLE_ROW, shown(found.text), found.fault)
        elif found.value is not None:
            judged = validator.check_object(self.row, found.value)
        else:
            judged = validator.check(self.row, found.cells)
            if found.undecodable and isinstance(judged, ParsedEvent):
                judged = undecodable_elsewhere(judged, found.all_cells)
        if isinstance(judged, Quarantined) and self.encoding == ASCII and NOT_UTF8 in judged.reason:
            judged.reason = _NOT_ASCII
        return judged

    def columns(self) -> dict[str, str]:
        """What it says now, by column, as a person may see it; absent values are left out. Only
        what was mended, where its cells belong to no columns."""
        try:
            cells = self._read().cells or ()
        except UnicodeDecodeError:
            cells = ()
        found = {column: shown(cell) for column, cell in zip(COLUMNS, cells, strict=False) if cell}
        found |= {column: shown(value) for column, value in self.mended.items()}
        return {column: found[column] for column in COLUMNS if found.get(column)}

    def text(self) -> str:
        """The row as it came, as a person may see it, read in its encoding where that can be."""
        read = "ascii" if self.encoding == ASCII else self.encoding
        try:
            return shown(self.raw.decode(read))
        except UnicodeDecodeError:
            return shown(self.raw.decode("ascii", "surrogateescape"))

    def _read(self) -> "_Read":
        """Raises UnicodeDecodeError where its bytes are not in the encoding that a person named."""
        octets = self.raw
        encoding: Literal["utf-8", "ascii"] = "ascii" if self.encoding == ASCII else "utf-8"
        header = self.header
        if self.encoding not in (ASCII, "utf-8"):
            octets = octets.decode(self.encoding).encode()
            if header is not None:  # whose own columns are ASCII in all of them
                header = header.decode(self.encoding, "replace").encode()
        if header is None:
            return _read_json(octets, encoding)
        return _read_csv(header, octets, encoding)


@dataclass(frozen=True, slots=True)
class _Read:
    """A row's cells in the order of COLUMNS; None where it has none, and `fault` says why."""

    text: str
    cells: list[str] | None = None
    fault: str = ""
    value: Mapping[str, Any] | None = None
    """The JSON object that it is."""
    undecodable: bool = False
    all_cells: list[str] = field(default_factory=list)
    """Those of unknown columns, too."""


def _read_csv(header: bytes, octets: bytes, encoding: Literal["utf-8", "ascii"]) -> _Read:
    lines = Lines(BytesIO(header + b"\n" + octets), encoding)
    found = records(lines)
    columns = CsvColumns([shown(cell) for cell in next(found).cells or ()])
    lines.undecodable = False
    record = next(found)
    fault = columns.fault(record)
    if fault or record.cells is None:
        return _Read(record.text, fault=fault)
    cells = list(columns.pick([*record.cells, ""]))
    return _Read(record.text, cells, undecodable=lines.undecodable, all_cells=record.cells)


def _read_json(octets: bytes, encoding: Literal["utf-8", "ascii"]) -> _Read:
    text = octets.decode(encoding, "surrogateescape")
    try:
        octets.decode(encoding)
        value = json_values.decode(text)
    except UnicodeDecodeError:
        return _Read(text, fault=NOT_UTF8)
    except ValueError as error:
        return _Read(text, fault=f"is not JSON: {error}")
    if not isinstance(value, Mapping):
        return _Read(text, fault="is no JSON object")
    return _Read(text, cells_of(value), value=value)
