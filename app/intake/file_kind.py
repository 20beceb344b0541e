"""What a file is that is no canonical feed, so that the error can name it.

Only asked about files whose header was found unusable: it never refuses a feed.
"""

import csv
import re
import stat
from collections.abc import Iterator

from app.domain.lookalike import folded
from app.intake.cells import COLUMNS, NEEDED

HEAD_BYTES = 1 << 16
"""How much of a file's start is looked at."""

Explanation = tuple[str, str]
"""What the file is, and what to do."""

_SIGNATURES = (
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (XLS)"),
    (b"%PDF", "a PDF"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"\x1f\x9d", "compressed with compress (.Z)"),
    (b"\x1f\xa0", "compressed with compress (.Z)"),
    (b"LZIP", "compressed with lzip"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"age-encryption.org/", "encrypted with age"),
    (b"version https://git-lfs.github.com/", "the pointer of a file in Git LFS"),
    (b"MIME-Version:", "a mail (MIME)"),
    (b"begin 6", "a mail attachment (uuencode)"),
    (b"-----BEGIN PGP", "encrypted or signed with PGP"),
)
_TAR_AT, _TAR = 257, b"ustar"
_OFFICE_PARTS = (
    (b"xl/", "an Excel workbook (XLSX)"),
    (b"word/", "a text document (DOCX)"),
    (b"opendocument.spreadsheet", "a LibreOffice workbook (ODS)"),
    (b"[Content_Types].xml", "an Office document, perhaps an Excel workbook (XLSX)"),
)
_SEPARATORS = {
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
    "^": "carets",
    "~": "tildes",
    ":": "colons",
    "\x1f": "unit separators (0x1F)",
    "\x01": "control characters (0x01)",
    "，": "full-width commas",
    "；": "full-width semicolons",
    ",": "commas",
}
_OTHER_ENCODINGS = {
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp037": "EBCDIC",
    "cp500": "EBCDIC",
    "utf-7": "UTF-7",
    "gb18030": "GB18030 with a byte-order mark",
}
"""Tried where the header is not there in UTF-8."""
_MESSAGES = (
    (re.compile(r"\{1:F01"), "a SWIFT message (MT)"),
    (re.compile(r":20:.*[\r\n]+:(?:21|25|28)"), "a SWIFT statement (MT940 or MT942)"),
    (re.compile(r"01,[^,]*,[^,]*,[0-9]{6},"), "a BAI2 statement"),
)
_MOST_PREAMBLE = 200
_SEP_LINE = re.compile(r"\s*\"?sep=(.?)", re.IGNORECASE)


_SPECIAL = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}


def special_kind(mode: int) -> str:
    """What a path of this mode is that is no regular file; empty for one that is."""
    return _SPECIAL.get(stat.S_IFMT(mode), "")


def explain(head: bytes) -> Explanation | None:
    """Name a file by its first bytes; None where it is nothing known."""
    text = head.decode("utf-8-sig", "replace")
    return _binary(head) or _encoding(head) or _message(text) or _text(text)


def explain_braces(head: bytes) -> Explanation | None:
    """Name a file that begins with a brace and is no JSON; None where it may be."""
    return _binary(head) or _message(head.decode("utf-8-sig", "replace"))


def is_no_feed(head: bytes) -> bool:
    """Whether a file is something else by its first bytes, however it goes on."""
    return (_binary(head) or _encoding(head)) is not None


def _binary(head: bytes) -> Explanation | None:
    if head.startswith(b"PK\x03\x04"):
        for part, name in _OFFICE_PARTS:
            if part in head:
                return f"the file is {name}", "Save the sheet as “CSV UTF-8”"
        return "the file is a ZIP archive", "Unpack it and send the feed itself"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return f"the file is {name}", "Send the feed itself: plain CSV or JSON lines in UTF-8"
    if head[_TAR_AT:].startswith(_TAR):
        return "the file is a TAR archive", "Unpack it and send the feed itself"
    return None


def _encoding(head: bytes) -> Explanation | None:
    remedy = "Save it as UTF-8 (in Excel: “CSV UTF-8”)"
    for mark, name in (
        (b"\xff\xfe\x00\x00", "UTF-32"),
        (b"\x00\x00\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if head.startswith(mark):
            return f"the file is {name}, not UTF-8", remedy
    for encoding, name in _OTHER_ENCODINGS.items():
        text = head.decode(encoding, "ignore")
        if ("event_id" in text and b"event_id" not in head) or text.startswith("\ufeffevent_id"):
            return f"the file is {name}, not UTF-8", remedy
    start = head[:256]
    # Without a mark: every second byte of Latin text is NUL.
    for evens, odds in ((start[::2], start[1::2]), (start[1::2], start[::2])):
        if len(odds) > 3 and not any(odds) and b"\0" not in evens:
            return "the file is UTF-16, not UTF-8", remedy
    if b"\0" in start:
        return "the file is binary, no text", "Send plain CSV or JSON lines in UTF-8"
    return None


def _text(text: str) -> Explanation | None:
    start = text.lstrip()
    if start.startswith("["):
        return "the file is a JSON array", "Send JSON lines: one object a line, without brackets"
    if start.startswith("<"):
        return _markup(start[:1000].lower())
    found = _SEP_LINE.match(text)
    if found:
        return "the file begins with Excel's line `sep=`", _sep_remedy(found.group(1))
    first = text.partition("\n")[0].removesuffix("\r")
    if "\r" in first and set(NEEDED) <= set(_cells(first.partition("\r")[0], ",")):
        return "the lines end with CR alone", "End them with LF or CR LF"
    lines = [line for line in text.splitlines() if line.strip(" \t\r,;")]
    for number, line in enumerate(lines[:_MOST_PREAMBLE]):
        for separator, name in _SEPARATORS.items():
            if set(NEEDED) <= set(_cells(line, separator)):
                return _header_at(number, separator, name)
    return _near_miss(lines[0]) if lines else None


def _message(text: str) -> Explanation | None:
    """A message of a bank, by how it begins."""
    start = text.lstrip()
    for pattern, name in _MESSAGES:
        if pattern.match(start):
            return f"the file is {name}, no feed", "Send CSV or JSON lines"
    return None


def _markup(start: str) -> Explanation:
    if "excel.sheet" in start or "<table" in start:
        return "the file is a sheet that Excel reads (XML or HTML)", "Save it as “CSV UTF-8”"
    if "<html" in start or "<!doctype html" in start:
        return "the file is a web page (HTML)", "Look at it: it may be an error page"
    name = "an ISO 20022 message (XML)" if "iso:20022" in start else "XML"
    return f"the file is {name}, no feed", "Send CSV or JSON lines"


def _sep_remedy(separator: str) -> str:
    remedy = "Remove that line"
    return remedy if separator in ("", ",") else f"{remedy}, and separate the columns by commas"


def _header_at(number: int, separator: str, name: str) -> Explanation | None:
    if not number:
        if separator == ",":
            return None
        return f"the columns are separated by {name}", "Separate them by commas"
    also = "" if separator == "," else f", and separate the columns by commas, not by {name}"
    lines = "a line stands" if number == 1 else f"{number} lines stand"
    return f"{lines} before the header (a preamble)", f"Remove what is before the header{also}"


def column_meant(name: str) -> str:
    """The column that a name means which is spelled otherwise; empty where it is none."""
    return "" if name in COLUMNS else _SPELLED.get(_plain(name), "")


def _near_miss(header: str) -> Explanation | None:
    cells = _cells(header, ",")
    if (
        len(cells) == 1
        and header.rstrip()[-1:] == '"'
        and set(NEEDED) <= set(_cells(cells[0], ","))
    ):
        return "each row stands in one pair of quotes as a whole", "Quote cells, not rows"
    wrong = [
        (cell, meant)
        for cell in cells
        if (meant := column_meant(cell)) in NEEDED and meant not in cells
    ]
    if wrong:
        named = ", ".join(f"{cell[:64]!r} is not {name}" for cell, name in wrong[: len(NEEDED)])
        missing = [name for name in NEEDED if name not in cells]
        return (
            f"the column {', '.join(missing)} is missing: {named}",
            "Columns are spelled in small letters, with _ and without blanks",
        )
    if len(cells) >= len(NEEDED) and not set(cells) & set(NEEDED):
        return (
            "the column event_id is missing, and all others: the first line is no header",
            "The first line must name the columns, separated by commas",
        )
    return None


def _plain(name: str) -> str:
    return "".join(character for character in folded(name) if character.isalnum())


_SPELLED = {_plain(name): name for name in COLUMNS}


def _cells(line: str, separator: str) -> list[str]:
    return list(next(_read(line, separator), []))


def _read(line: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader((line,), delimiter=separator)
    except csv.Error:
        return
