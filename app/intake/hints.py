"""What a faulty value looks like, for the reason of its quarantine. Nothing is decided here."""

import re
import unicodedata
from datetime import date

_ERROR = re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!)|#{3,}")
_DAY_NUMBER = re.compile(r"[1-9][0-9]{4}(?:\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LOCAL = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?")
_LEAP_SECOND = re.compile(r"[0-9-]{10}T23:59:60.*")
_SECONDS = re.compile(r"1[0-9]{9}(?:[0-9]{3})?")
_CONTROLS = {"\0": "NUL", "\t": "tab", "\n": "line feed", "\r": "carriage return"}
_ERROR_HINT = "it is the error of a spreadsheet, and the value is lost"
_AMOUNTS = (
    (_ERROR, _ERROR_HINT),
    (
        re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+"),
        "a spreadsheet has shortened it: export the column as text",
    ),
    (
        re.compile(r"[0-9]{1,3}\.[0-9]{3}"),
        "where its point separates thousands, leave it out",
    ),
    (
        re.compile(r"[0-9]{1,3}(?:[,.'’٬_\s][0-9]{3})+(?:[.,][0-9]*)?"),
        "write it without thousand separators, and decimals after a point",
    ),
    (re.compile(r"[0-9]+,[0-9]+"), "write decimals after a point"),
    (
        re.compile(r"[-+−–—﹣－(]\s*[0-9][^a-zA-Z]*|[0-9][^a-zA-Z]*(?:[-−)]|\s*(?:CR|DR))"),
        "amounts have no sign: the kind says in which direction the money goes",
    ),
)
_NUL_HINT = "NUL bytes: the file was not written to its end"


def of_amount(text: str) -> str:
    """What an amount that is none looks like; empty where nothing can be said."""
    if text.strip() != text:
        return "it has blanks around it"
    if any(one.isdigit() and not one.isascii() for one in text):
        return "its digits are those of another script: write 0 to 9"
    for pattern, hint in _AMOUNTS:
        if pattern.fullmatch(text):
            return hint
    return ""


def of_instant(text: str) -> str:
    """What an instant that is none looks like; empty where nothing can be said."""
    day = text[:10]
    try:
        date.fromisoformat(day)
    except ValueError:
        return of_date(day if _DAY.fullmatch(day) else text)
    if text == day:
        return "it has no time"
    if _LOCAL.fullmatch(text):
        return "its offset from UTC is missing"
    if _LEAP_SECOND.fullmatch(text):
        return "it is a leap second, which no calendar here has: write 23:59:59"
    return ""


def of_date(text: str) -> str:
    """What a date that is none looks like; empty where nothing can be said."""
    if _ERROR.fullmatch(text):
        return _ERROR_HINT
    if _DAY_NUMBER.fullmatch(text):
        return "it looks like the day number of a spreadsheet: export the column as text"
    if _SECONDS.fullmatch(text):
        return "it looks like the seconds of a Unix clock"
    if text.startswith("0000-00-00"):
        return "it is the empty date of MySQL"
    if _DAY.fullmatch(text):
        return "there is no such day"
    return ""


def of_name(text: str) -> str:
    """Which character of a faulty name cannot be printed; where all can, how long it is."""
    found = next((one for one in text if not one.isprintable()), None)
    if found is None:
        return f"it has {len(text)} of them" if text else ""
    if found == "\ufeff":
        return "it holds U+FEFF, a byte-order mark: files were joined"
    name = _CONTROLS.get(found) or unicodedata.name(found, "").lower()
    return f"it holds U+{ord(found):04X}" + (f" ({name})" if name else "")


def of_row(text: str, cells: list[str], width: int) -> str:
    """Why a row may have another number of cells than the header; empty where nothing is seen."""
    if "\r" in text:
        return "its lines end with CR alone: end them with LF or CR LF"
    if not text.strip("\0 \t"):
        return _NUL_HINT
    if text.strip() == "\x1a":
        return "it is the end mark of DOS files: remove it"
    if len(cells) > width and not any(cells[width:]):
        return "it ends with more commas than the header"
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        if text.count(separator) >= width - 1 > text.count(","):
            return f"its cells are separated by {name}: separate them by commas"
    return _of_quotes(text, cells, width)


def _of_quotes(text: str, cells: list[str], width: int) -> str:
    if len(cells) == 1 and cells[0].count(",") == width - 1 and text.startswith('"'):
        return "the whole row stands in one pair of quotes"
    if '\\"' in text:
        return 'a quote within quotes is written twice (""), not as \\"'
    if ', "' in text or text.startswith(' "'):
        return "a blank stands before a quote: a quote opens a cell only as its first character"
    return ""
