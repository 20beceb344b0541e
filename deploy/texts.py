"""The texts that people read, as Babel finds them in the sources, and the catalog beside them.

    python -m deploy.texts    takes new texts into the catalogs and leaves out those that are gone

Then translate what is empty in `app/locale/*/LC_MESSAGES/tally.po`; a test names it.
"""

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

_ROOT = Path(__file__).resolve().parents[1]
_APP = _ROOT / "app"
_FAULTS_OF = (
    "actions", "alerts", "domain", "http", "intake", "outbox", "people", "prepared_acts",
    "readmodel", "report_jobs", "reports", "web", "webhooks", "worklist",
)  # fmt: skip
"""Packages whose faults pages show; they make them in English, with values in them."""
_FAULT = re.compile(r"(?!Config|Storage|Chain)\w*(Fault|Conflict|AmountError|ReportRefused)")
_REASONS_OF = ("intake/validation.py", "intake/judge.py", "intake/reader.py", "intake/cells.py",
    "intake/hints.py", "intake/json_values.py", "intake/quarantine/kept_row.py",
    "domain/facility_file.py",
)  # fmt: skip
"""Modules that say in a phrase why a row is quarantined, or what is wrong in a facility's terms."""
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
    for path in sorted(_APP.glob("reports/*.py")):
        for message in report_texts(path.read_text()):
            found.add(message, locations=[(str(path.relative_to(_ROOT)), 0)])
    for path in sorted(_APP.rglob("*.py")):
        name = path.relative_to(_APP).as_posix()
        if name.split("/")[0] in _FAULTS_OF:
            for message in fault_texts(path.read_text(), phrases=name in _REASONS_OF):
                found.add(message, locations=[(f"app/{name}", 0)])
    return found


def fault_texts(source: str, *, phrases: bool) -> Iterator[str]:
    """The texts of a module's faults as keys of a catalog: `f"there is no {name}"` is "there is no
    %(name)s". `phrases`: all of its phrases, too."""
    tree = ast.parse(source)
    said: list[ast.AST] = [
        argument
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and _FAULT.fullmatch(getattr(call.func, "id", getattr(call.func, "attr", "")))
        for argument in (*call.args[:2], *(one.value for one in call.keywords))
    ]
    if phrases:
        said += [node for node in ast.walk(tree) if not isinstance(node, ast.Expr)]
    left_out = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr | ast.JoinedStr)
        for part in ([node.value] if isinstance(node, ast.Expr) else node.values)
    }
    for node in said:
        for text in _literals(node, left_out):
            if re.search(r"[a-z]{2,} [a-z`]|[a-z]{2,} %\(", text):
                yield text


def report_texts(source: str) -> Iterator[str]:
    """Titles and notes of reports, and the names of sections and columns as words."""
    for call in ast.walk(ast.parse(source)):
        name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
        if isinstance(call, ast.Call) and name in ("Section", "Column") and call.args:
            yield from (text.replace("_", " ") for text in _literals(call.args[0], set()))
            if name == "Section" and len(call.args) > 1:
                yield from _literals(call.args[1], set())
        elif isinstance(call, ast.keyword) and call.arg == "title":
            yield from _literals(call.value, set())


def _literals(node: ast.AST, left_out: set[int]) -> Iterator[str]:
    """The texts that an expression may be."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(_piece(part) for part in node.values)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and id(node) not in left_out:
            yield node.value.replace("%", "%%")
    elif isinstance(node, ast.BinOp):
        ends = list(_literals(node.right, left_out))
        yield from (text + end for text in _literals(node.left, left_out) for end in ends)
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body, left_out)
        yield from _literals(node.orelse, left_out)


def _piece(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value).replace("%", "%%")
    assert isinstance(part, ast.FormattedValue)
    return f"%({re.sub(r'[^A-Za-z0-9]+', '_', ast.unparse(part.value)).strip('_')})s"


def untranslated(catalog: Catalog, sources: Catalog) -> Iterator[str]:
    """What the sources have and a catalog has not, or not surely."""
    for message in sources:
        if not message.id:
            continue
        kept = catalog.get(message.id, message.context)
        if kept is None or kept.fuzzy or not all(_forms(kept)):
            yield message.id if isinstance(message.id, str) else message.id[0]


def gone(catalog: Catalog, sources: Catalog) -> Iterator[str]:
    """What a catalog has and the sources have no more."""
    for message in catalog:
        if message.id and sources.get(message.id, message.context) is None:
            yield message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


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
        left = sum(1 for _ in untranslated(read_catalog(path), texts()))
        sys.stdout.write(f"{path.relative_to(_ROOT)}: {left} to translate\n")


if __name__ == "__main__":
    main()
