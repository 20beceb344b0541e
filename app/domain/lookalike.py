"""References that differ only in how they are written.

Nothing is changed or matched by this: it says what a person would want to know of two references.
"""

import unicodedata
from collections.abc import Callable, Collection

MAX_COMPARED = 64
"""Most characters of a reference that can be compared; none that a feed may hold is longer."""

_CONFUSABLE = str.maketrans(
    {
        # Cyrillic and Greek letters that are drawn as Latin ones, capitals and small ones apart.
        **dict(zip("АВЕЅІЈКМНОРСТУХ", "ABESIJKMHOPCTYX", strict=True)),
        **dict(zip("аеорсухіјѕһԁ", "aeopcyxijshd", strict=True)),
        **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
        **dict(zip("οαν", "oav", strict=True)),
    }
)
_DIGIT_LIKE = str.maketrans({"o": "0", "i": "1", "l": "1", "|": "1"})
"""Of letters in lower case."""
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－﹣_", "-"))


_UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
"""Letters, marks and symbols that nothing is drawn for: a feed may hold them, as they are called
printable."""


def _without_blanks(text: str) -> str:
    return "".join(
        one
        for one in text
        if one not in _UNSEEN and unicodedata.category(one) not in ("Zs", "Cf", "Cc")
    )


_WIDTH = "full-width or compatibility forms"
_FOLDS: dict[str, Callable[[str], str]] = {
    "composed and decomposed letters": lambda text: unicodedata.normalize("NFC", text),
    _WIDTH: lambda text: unicodedata.normalize("NFKC", text),
    "blanks": _without_blanks,
    "dashes": lambda text: text.translate(_DASHES),
    "letters of another alphabet that look alike": lambda text: text.translate(_CONFUSABLE),
    "upper and lower case": str.casefold,
    "O and 0, I or l and 1": lambda text: text.translate(_DIGIT_LIKE),
}
"""What is not told apart, in the order in which it is folded."""


def folded(text: str, folds: Collection[str] = _FOLDS.keys()) -> str:
    """A reference in the one spelling of all that look like it."""
    for name, fold in _FOLDS.items():
        if name in folds:
            text = fold(text)
    return text


def differences(one: str, other: str) -> list[str] | None:
    """The fewest ways in which two references differ that differ only in how they are written; None
    for references that differ in more."""
    if folded(one) != folded(other):
        return None
    needed = list(_FOLDS)
    # The compatibility forms hold composed letters and blanks: these are named by themselves.
    for name in (_WIDTH, *(each for each in _FOLDS if each != _WIDTH)):
        rest = [each for each in needed if each != name]
        if folded(one, rest) == folded(other, rest):
            needed = rest
    return needed
