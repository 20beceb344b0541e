"""The texts that people read, as Babel finds them in the sources, and the catalog beside them.

    python -m deploy.texts    takes new texts into the catalogs and leaves out those that are gone

Then translate what is empty in `app/locale/*/LC_MESSAGES/tally.po`; a test names it.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

_ROOT = Path(__file__).resolve().parents[1]
_APP = _ROOT / "app"
_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "gettext": None}
_HEADER = """\
# The texts of Tallystick by their English ones; the field's terms: docs/glossary.md.
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"""


def catalogs() -> list[Path]:
    """The catalogs of all languages but English."""
    return sorted(_APP.glob("locale/*/LC_MESSAGES/tally.po"))


def read_catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def texts() -> Catalog:
    """All that is marked in the sources, with where it stands."""
    found = Catalog(charset="utf-8")
    for path in sorted(_APP.rglob("*")):
        method = {".py": "python", ".html": "jinja2"}.get(path.suffix)
        if method is None or "node_modules" in path.parts:
            continue
        with path.open("rb") as file:
            for _, message, comments, context in extract(
                method, file, _KEYWORDS, options={"newstyle_gettext": "true"}
            ):
                place = (str(path.relative_to(_ROOT)), 0)
                found.add(message, locations=[place], auto_comments=comments, context=context)
    return found


def untranslated(catalog: Catalog) -> Iterator[str]:
    """What the sources have and a catalog has not, or not surely."""
    for message in texts():
        if not message.id:
            continue
        kept = catalog.get(message.id, message.context)
        if kept is None or kept.fuzzy or not all(_forms(kept)):
            yield message.id if isinstance(message.id, str) else message.id[0]


def gone(catalog: Catalog) -> Iterator[str]:
    """What a catalog has and the sources have no more."""
    found = texts()
    for message in catalog:
        if message.id and found.get(message.id, message.context) is None:
            yield message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _update(path: Path) -> None:
    catalog = read_catalog(path)
    catalog.update(texts(), no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    body = BytesIO()
    write_po(body, catalog, width=100, sort_output=True, include_lineno=False, omit_header=True)
    header = _HEADER.format(language=path.parts[-3], plural_forms=catalog.plural_forms)
    path.write_bytes(f"{header}\n".encode() + body.getvalue())


def main() -> None:
    for path in catalogs():
        _update(path)
        left = sum(1 for _ in untranslated(read_catalog(path)))
        sys.stdout.write(f"{path.relative_to(_ROOT)}: {left} to translate\n")


if __name__ == "__main__":
    main()
