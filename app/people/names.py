"""Names of people: what may be one, and which ones look alike.

Who reads a display name on a page must not take one person for another.
"""

import re
import unicodedata

from sqlalchemy import Connection, select

from app.domain.errors import UsageFault
from app.people.tables import people

LONGEST_DISPLAY_NAME = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")

_CYRILLIC = "авсԁеєгһіјкӏмнопԛрѕтуѵԝхѡ", "abcdeerhijklmhonqpstyvwxw"
_GREEK = "αεικνορτυχω", "aeikvoptuxw"
_LIKE_LATIN = str.maketrans(_CYRILLIC[0] + _GREEK[0] + "01!|", _CYRILLIC[1] + _GREEK[1] + "oiii")
"""Small letters and digits to the Latin letters that they look like."""


def checked_name(name: str) -> str:
    """The name to sign in with, as it is kept. Raises UsageFault."""
    folded = name.strip().casefold()
    if not _NAME.fullmatch(folded):
        raise UsageFault(
            "a name has 2 to 64 small letters, digits and . _ @ -",
            remedy="Begin it with a letter or a digit",
        )
    return folded


def checked_display_name(connection: Connection, display_name: str, name: str) -> str:
    """A new person's display name, as it is kept. Raises UsageFault for one that looks as another
    person's does."""
    shown = _spaced(display_name)
    if not 0 < len(shown) <= LONGEST_DISPLAY_NAME or not shown.isprintable():
        raise UsageFault(f"the display name has 1 to {LONGEST_DISPLAY_NAME} characters")
    other = _who_looks_like(connection, shown, name)
    if other is not None:
        raise UsageFault(
            f"the display name looks as that of {other} does",
            remedy="Add what tells the two apart, such as a department",
        )
    return shown


def distinct_display_name(connection: Connection, given: str, name: str) -> str:
    """What a provider calls a person; marked with the name where another person looks alike."""
    printable = "".join(one for one in given if one.isprintable())
    shown = _spaced(printable)[: LONGEST_DISPLAY_NAME - len(name) - 3] or name
    return shown if _who_looks_like(connection, shown, name) is None else f"{shown} ({name})"


def looks(display_name: str) -> str:
    """What is left of a display name once capitals, accents, signs, spaces and letters that look
    like others make no difference."""
    plain = unicodedata.normalize("NFKD", display_name).casefold()
    return "".join(one for one in plain.translate(_LIKE_LATIN) if one.isalnum()).replace("l", "i")


def _who_looks_like(connection: Connection, shown: str, own_name: str) -> str | None:
    """The name of another person, disabled ones too, whose display name looks like this one."""
    everybody = connection.execute(
        select(people.c.name, people.c.display_name).where(people.c.name != own_name)
    )
    wanted = looks(shown)
    return next((row.name for row in everybody if looks(row.display_name) == wanted), None)


def _spaced(display_name: str) -> str:
    return " ".join(display_name.split())
