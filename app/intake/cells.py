"""The columns of the canonical feed, and cells as a person may see them."""

COLUMNS = (
    "event_id",
    "facility",
    "event_ref",
    "kind",
    "amount",
    "currency",
    "value_date",
    "booked_at",
    "partner",
    "reverses",
    "shares_on",
    "loan_ref",
    "borrower_ref",
    "memo",
)
"""In the order in which a row's faults are looked for."""

NEEDED = COLUMNS[:8]
"""The columns that a feed cannot do without."""

MAX_COLUMNS = 1_000
"""Most columns of a header."""

NOT_UTF8 = "holds bytes that are not UTF-8"

WHOLE_ROW = "row"
"""The field of a fault that belongs to no column."""

MAX_SHOWN = 4096
"""Most characters of a raw cell that the quarantine keeps."""


class UnusableCell(str):
    """A JSON value that is no text, or whose key stands more than once.

    It compares as a lone surrogate, which breaks the rule of every column, so that the fault comes
    up at the column's own place in the order; `raw` is what the quarantine shows.
    """

    raw: str
    reason: str

    def __new__(cls, raw: str, reason: str) -> "UnusableCell":
        cell = super().__new__(cls, "\udfff")
        cell.raw = raw
        cell.reason = reason
        return cell


def shown(cell: str) -> str:
    """A raw cell, fit for any database and file: what is no text as `\\xNN`, very long ones cut."""
    raw = cell.raw if isinstance(cell, UnusableCell) else cell
    cut = raw[:MAX_SHOWN]
    if not cut.isascii():
        # Undecodable bytes were kept as surrogates; a lone surrogate of JSON shows as its bytes.
        try:
            octets = cut.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            octets = cut.encode("utf-8", "surrogatepass")
        cut = octets.decode("utf-8", "backslashreplace")
    cut = cut.replace("\0", "\\x00")
    return cut if len(raw) <= MAX_SHOWN else f"{cut}… ({len(raw)} characters)"


def is_text(cell: str) -> bool:
    """Whether a cell was valid UTF-8 throughout, and holds no half of a surrogate pair."""
    if cell.isascii():
        return True
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
