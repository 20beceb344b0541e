"""What a file is that is no canonical feed, so that the error can name it.

Only asked about files whose header was found unusable: it never refuses a feed.
"""

import csv
import re
import stat
from collections.abc import Iterator

from app.intake.cells import NEEDED

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
    (b"-----BEGIN PGP", "encrypted or signed with PGP"),
)
_XLSX_PARTS = (b"xl/", b"[Content_Types].xml")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ",": "commas"}
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
    return _binary(head) or _encoding(head) or _text(head.decode("utf-8-sig", "replace"))


def is_no_feed(head: bytes) -> bool:
    """Whether a file is something else by its first bytes, however it goes on."""
    return (_binary(head) or _encoding(head)) is not None


def _binary(head: bytes) -> Explanation | None:
    if head.startswith(b"PK\x03\x04"):
        if any(part in head for part in _XLSX_PARTS):
            return "the file is an Excel workbook (XLSX)", "Save the sheet as “CSV UTF-8”"
        return "the file is a ZIP archive", "Unpack it and send the feed itself"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return f"the file is {name}", "Send the feed itself: plain CSV or JSON lines in UTF-8"
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
        lowered = start[:1000].lower()
        if "<html" in lowered or "<!doctype html" in lowered:
            return "the file is a web page (HTML)", "Look at it: it may be an error page"
        name = "an ISO 20022 message (XML)" if "iso:20022" in lowered else "XML"
        return f"the file is {name}, no feed", "Send CSV or JSON lines"
    found = _SEP_LINE.match(text)
    if found:
        return "the file begins with Excel's line `sep=`", _sep_remedy(found.group(1))
    lines = [line for line in text.splitlines() if line.strip(" \t\r,;")]
    for number, line in enumerate(lines[:_MOST_PREAMBLE]):
        for separator, name in _SEPARATORS.items():
            if set(NEEDED) <= set(_cells(line, separator)):
                return _header_at(number, separator, name)
    return _near_miss(lines[0]) if lines else None


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


def _near_miss(header: str) -> Explanation | None:
    cells = _cells(header, ",")
    meant = {_plain(name): name for name in NEEDED}
    wrong = [
        (cell, meant[_plain(cell)])
        for cell in cells
        if cell not in NEEDED and _plain(cell) in meant and meant[_plain(cell)] not in cells
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
    return "".join(character for character in name.casefold() if character.isalnum())


def _cells(line: str, separator: str) -> list[str]:
    return list(next(_read(line, separator), []))


def _read(line: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader((line,), delimiter=separator)
    except csv.Error:
        return
