"""The languages that people read in: texts, dates and amounts.

English texts are the keys of a catalog (`zh_Hans/LC_MESSAGES/tally.po`). The language is that of
the current request or task (`set_language`, `in_language`); it is English where none was set: logs,
commands, REST.
"""

import gettext
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path

LANGUAGES: Mapping[str, str] = {"en": "English", "zh-Hans": "简体中文"}
"""By their BCP 47 tags, with their own names."""

DEFAULT = "en"

_FOLDER = Path(__file__).parent
_language: ContextVar[str] = ContextVar("language", default=DEFAULT)


def language() -> str:
    """The tag of the current language."""
    return _language.get()


def set_language(tag: str) -> None:
    """Read in this language for the rest of the current request or task."""
    _language.set(tag if tag in LANGUAGES else DEFAULT)


@contextmanager
def in_language(tag: str) -> Iterator[None]:
    """Read in this language within."""
    before = _language.set(tag if tag in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _language.reset(before)


def accepted_language(header: str) -> str:
    """The language of ours that an `Accept-Language` header likes best; else English. Readers of
    any Chinese are given Simplified Chinese."""
    found: list[tuple[float, str]] = []
    for part in header[:1000].split(","):
        tag, _, parameters = part.partition(";")
        quality = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters) if parameters else None
        if parameters and quality is None:
            continue
        primary = tag.strip().lower().partition("-")[0]
        ours = next((one for one in LANGUAGES if one.partition("-")[0] == primary), None)
        if ours is not None:
            found.append((float(quality[1]) if quality else 1.0, ours))
    best = max(found, key=lambda one: one[0], default=(0.0, DEFAULT))
    return best[1] if best[0] else DEFAULT


def N_(message: str) -> str:
    """Marks a text that is translated where it is shown, not where it stands."""
    return message


def translated(message: str) -> str:
    """A text of the catalog in the current language, its placeholders as they are."""
    return _catalog(language()).gettext(message) if message else ""  # which is the catalog's head


def translated_plural(one: str, many: str, count: int) -> str:
    return _catalog(language()).ngettext(one, many, count)


def _(message: str, /, **values: object) -> str:
    """A text in the current language with its `%(name)s` filled in; a percent sign is `%%`."""
    return translated(message) % values


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """The text for a number, which also fills `%(num)s`."""
    return translated_plural(one, many, num) % {"num": f"{num:,}", **values}


def said(text: str) -> str:
    """A text that another layer or an older version has made in English, in the current language.

    Faults, reasons and notes are made (and kept) in English, with values in them. The catalog has
    their texts with placeholders (`deploy.texts`): the text is that of the most exact one that
    fits; a word stands there once, with a small first letter. What fits none, as a whole or up to a
    colon, semicolon or full stop, stays as it is.
    """
    return text if not text or language() == DEFAULT else _said(language(), text)


@lru_cache(4096)
def _said(tag: str, text: str) -> str:
    catalog = _catalog(tag)
    message = text.replace("%", "%%")
    for first, shown in ((message[0], str), (message[0].lower(), capital)):
        key = first + message[1:]
        if (found := catalog.gettext(key)) != key:
            return shown(found % ())
    for parts, names, target in _patterns(tag):
        values = _values(parts, text)
        if values is not None:
            filled = zip(names, values, strict=True)
            return target % {
                name: _said(tag, value) if name.startswith("said_") else value
                for name, value in filled
            }
    for mark in (". ", ": ", "; "):
        first, found_mark, rest = text.partition(mark)
        if found_mark and (head := _said(tag, first)) != first:
            return head + catalog.gettext(mark) + _said(tag, rest)
    return text


def capital(text: str) -> str:
    """A text with a capital first letter."""
    return text[:1].upper() + text[1:]


def label(name: str) -> str:
    """A name of ours (a state, a kind, a column) as words with a capital, in the current language:
    `not_enrolled` is "Not enrolled"."""
    return capital(said(name.replace("_", " ")))


@cache
def _catalog(tag: str) -> gettext.NullTranslations:
    if tag == DEFAULT:
        return gettext.NullTranslations()
    # Only who reads in another language than English needs the library.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with (_FOLDER / tag.replace("-", "_") / "LC_MESSAGES/tally.po").open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_LEAST_LETTERS = 4
"""A text with placeholders and fewer letters than this would fit anything."""


def _values(parts: Sequence[str], text: str) -> list[str] | None:
    """What stands between the parts of a text; None where it is another text."""
    first, *middle, last = parts
    if not (text.startswith(first) and text.endswith(last)):
        return None
    end = len(text) - len(last)
    at = len(first)
    values = []
    for part in middle:
        found = text.find(part, at + 1, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(part)
    return [*values, text[at:end]] if at < end else None


@cache
def _patterns(tag: str) -> list[tuple[list[str], list[str], str]]:
    """What is translated with placeholders: the texts around them, their names, and the
    translation. The most exact first."""
    found = []
    for message, target in _messages(tag).items():
        parts = _PLACEHOLDER.split(message.replace("%%", "%"))
        if len(parts) > 1 and len(re.findall("[A-Za-z]", "".join(parts[::2]))) >= _LEAST_LETTERS:
            found.append((parts[::2], parts[1::2], target))
    return sorted(found, key=lambda one: -len("".join(one[0])))


def _messages(tag: str) -> dict[str, str]:
    catalog = _catalog(tag)._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in catalog.items() if isinstance(key, str) and key}
