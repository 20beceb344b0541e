"""Every act that the audit trail can hold has words: the page shows no name of the program's."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.locale.words import AUDIT
from app.prepared_acts.kinds import KINDS
from tests.chinese import english_when_said

APP = Path(__file__).parents[2] / "app"
_ENTRIES = {"Entry": 1, "entry": 0, "act": 0}
"""What makes a row of the trail, or names the act of one, and where in its call the act stands."""


def test_every_act_has_words() -> None:
    acts = recorded_acts() | set(KINDS)
    assert {"sign-in", "breaks.assign", "quarantine.dismissed", "webhook.rotate"} <= acts
    assert sorted(acts - set(AUDIT)) == []


def test_no_words_are_kept_for_what_is_no_act() -> None:
    assert sorted(set(AUDIT) - recorded_acts() - set(KINDS)) == []


def test_every_detail_has_words() -> None:
    labels = {
        one.arg.replace("_", " ")
        for path in sources()
        for call, _ in calls(path)
        if name_of(call.func) == "with_details"
        for one in call.keywords
        if one.arg is not None
    }
    assert {"sessions", "rows", "roles"} <= labels
    assert {
        one: words for one, words in english_when_said(*labels).items() if one != "sha256"
    } == {}


def recorded_acts() -> set[str]:
    """The acts of all rows that the sources make."""
    found: set[str] = set()
    for path in sources():
        for call, within in calls(path):
            at = _ENTRIES.get(name_of(call.func))
            given = next((one.value for one in call.keywords if one.arg == "act"), None)
            if at is not None and (given is not None or len(call.args) > at):
                found |= texts(given or call.args[at], within, path)
    return {one for one in found if one}


def texts(node: ast.expr, within: ast.FunctionDef | None, path: Path) -> set[str]:
    """What an expression may be: a text, a name of the module, or what the callers of the function
    around it give."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp():
            return texts(node.body, within, path) | texts(node.orelse, within, path)
        case ast.JoinedStr(values=[ast.Constant(value=str(head)), ast.FormattedValue(value=rest)]):
            return {head + one for one in texts(rest, within, path)}
        case ast.Name(id=name) if within is not None and name in parameters(within):
            at = parameters(within).index(name)
            return {
                text
                for caller in sources()
                if caller.parent == path.parent
                for call, around in calls(caller)
                if name_of(call.func) == within.name and len(call.args) > at
                for text in texts(call.args[at], around, caller)
            }
        case ast.Name(id=name):
            return {
                text
                for one in ast.walk(within or tree_of(path))
                if isinstance(one, ast.Assign) and name in map(name_of, one.targets)
                for text in texts(one.value, within, path)
            } or (texts(node, None, path) if within is not None else set())
    return set()


def parameters(function: ast.FunctionDef) -> list[str]:
    return [one.arg for one in function.args.args]


def name_of(node: ast.expr) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))


@cache
def sources() -> list[Path]:
    return [path for path in sorted(APP.rglob("*.py")) if "node_modules" not in path.parts]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def calls(path: Path) -> list[tuple[ast.Call, ast.FunctionDef | None]]:
    """All calls of a module, each with the innermost function around it."""
    return list(_calls(tree_of(path), None))


def _calls(
    node: ast.AST, within: ast.FunctionDef | None
) -> Iterator[tuple[ast.Call, ast.FunctionDef | None]]:
    if isinstance(node, ast.Call):
        yield node, within
    for child in ast.iter_child_nodes(node):
        around = node if isinstance(node, ast.FunctionDef) else within
        yield from _calls(child, around)
