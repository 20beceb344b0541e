"""Every text that people read is in every language's catalog, and none stands outside of one."""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.numbers import format_decimal
from jinja2 import Environment, nodes

from app.locale import N_, _, accepted_language, in_language, ngettext, said
from deploy.texts import catalogs, gone, read_catalog, texts, untranslated
from tests.chinese import ShownTexts

APP = Path(__file__).parents[2] / "app"
TEMPLATES = sorted((APP / "web" / "templates").glob("*.html"))
READ_BY_PEOPLE = [
    path
    for package in ("presentation", "web")
    for path in sorted((APP / package).rglob("*.py"))
    if "node_modules" not in path.parts
]
SAME_EVERYWHERE = {"Tallystick", "UTC", "tally", "xxxx", "tk_", "RP", "Enter"}
"""Names, and words of the command line that a page quotes."""

TRANSLATES = {"_", "gettext", "ngettext", "N_", "said"}
ENVIRONMENT = Environment(extensions=["jinja2.ext.i18n"])


@pytest.fixture(scope="module")
def sources() -> Catalog:
    """What is marked in the sources, whose search takes seconds."""
    return texts()


@pytest.mark.parametrize("path", catalogs(), ids=lambda path: path.parts[-3])
class TestCatalog:
    def test_nothing_is_untranslated(self, path: Path, sources: Catalog) -> None:
        left = list(untranslated(read_catalog(path), sources))
        assert left == [], "run `python -m deploy.texts` and translate what is empty in the .po"

    def test_nothing_is_kept_that_the_sources_have_no_more(
        self, path: Path, sources: Catalog
    ) -> None:
        assert list(gone(read_catalog(path), sources)) == [], "run `python -m deploy.texts`"

    def test_placeholders_and_markup_are_those_of_the_english_text(self, path: Path) -> None:
        for message in read_catalog(path):
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            texts = (
                [message.string] if isinstance(message.string, str) else list(message.string or ())
            )
            for text in texts:
                if message.id and text:
                    assert _parts(text) == _parts(ids[-1]), text


def _parts(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)s|%%|<[^>]*>|#(?= )|^#", text))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_shows_no_text_outside_a_catalog(template: Path) -> None:
    assert list(_untranslated_in(template.read_text())) == []


@pytest.mark.parametrize("path", READ_BY_PEOPLE, ids=lambda path: path.stem)
def test_a_module_shows_no_text_outside_a_catalog(path: Path) -> None:
    assert list(_sentences_in(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        '<p title="Hello"></p>',
        "<p>{{ 'Hello' if x else '' }}</p>",
        "{% set name = 'Hello there' %}",
        "{{ parts.list(acts, 'Prepared here') }}",
        "<p>{{ x }} rows</p>",
    ],
)
def test_text_outside_a_catalog_is_found(source: str) -> None:
    assert len(list(_untranslated_in(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "<p>{{ _('Hello') }}</p>",
        "<p class=\"{{ 'good' if x else 'bad' }}\">{% trans %}Hello{% endtrans %}</p>",
        "{% set address = 'acts/' ~ x %}{% if x == 'prepared' %}{% endif %}",
        "<p title=\"{{ _('Hello %(a)s', a=x) }}\">·</p>",
    ],
)
def test_text_of_a_catalog_is_not(source: str) -> None:
    assert list(_untranslated_in(source)) == []


def _untranslated_in(source: str) -> Iterator[str]:
    """Texts that a template shows as they stand in it."""
    page, expressions = _page_and_expressions(source)
    shown = ShownTexts()
    shown.feed(page)
    shown.close()
    for text in shown.texts:
        for number in re.findall("\x01(\\d+)\x02", text):
            tree = ENVIRONMENT.parse("{{" + expressions[int(number)] + "}}")
            yield from (one for one in _constants(tree) if _has_words(one))
        bare = re.sub("\x01\\d+\x02", " ", text)
        if _has_words(bare):
            yield bare.strip()
    yield from _in_statements(ENVIRONMENT.parse(source))


def _page_and_expressions(source: str) -> tuple[str, list[str]]:
    """A template's page with \\x01 n \\x02 for its nth expression, and the expressions."""
    expressions: list[str] = []
    page, expression, statement, is_translated = "", "", "", False
    for _line, token, value in ENVIRONMENT.lex(source):
        if token == "variable_begin":
            expression = " "
        elif token == "variable_end":
            page += f"\x01{len(expressions)}\x02"
            expressions.append(expression)
            expression = ""
        elif token == "block_begin":
            statement = " "
        elif token == "block_end":
            if statement.split()[0] in ("trans", "endtrans"):
                is_translated = statement.split()[0] == "trans"
            statement = ""
        elif expression:
            expression += value
        elif statement:
            statement += value
        elif token == "data" and not is_translated:
            page += value
    return page, expressions


def _has_words(text: str) -> bool:
    return any(word not in SAME_EVERYWHERE for word in re.findall(r"[A-Za-z_]{2,}", text))


def _constants(node: nodes.Node) -> Iterator[str]:
    """The texts that an expression may show."""
    if isinstance(node, nodes.Const):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, nodes.CondExpr):
        for part in (node.expr1, node.expr2):
            if part is not None:
                yield from _constants(part)
    elif isinstance(node, nodes.Filter):
        if node.node is not None:
            yield from _constants(node.node)
    elif isinstance(node, nodes.Template | nodes.Output | nodes.Concat | nodes.BinExpr):
        for child in node.iter_child_nodes():
            yield from _constants(child)


def _in_statements(tree: nodes.Template) -> Iterator[str]:
    """Texts that a template gives a name or hands to a macro: with a capital or a space in them."""
    for node in tree.find_all((nodes.Assign, nodes.For, nodes.Call)):
        if isinstance(node, nodes.Assign):
            parts = [node.node]
        elif isinstance(node, nodes.For):
            parts = [node.iter]
        else:
            assert isinstance(node, nodes.Call)
            if isinstance(node.node, nodes.Name) and node.node.name in TRANSLATES:
                continue
            parts = [one for one in node.args if isinstance(one, nodes.Const)]
        for part in parts:
            for text in _all_constants(part):
                if re.search(r"[A-Z]|\w \w", text) and _has_words(text):
                    yield text


def _all_constants(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Call):
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from _all_constants(child)


def _sentences_in(tree: ast.Module) -> Iterator[str]:
    """Texts of a module that look like a sentence: a capital, then a space somewhere."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))  # a docstring
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in TRANSLATES | NOT_SHOWN:
                left_out.update(id(one) for one in ast.walk(node))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in NOT_SHOWN:
            left_out.update(id(one) for one in ast.walk(node))
    for node in ast.walk(tree):
        if (
            id(node) not in left_out
            and isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.match(r"[A-Z][a-z]+.* ", node.value)
        ):
            yield node.value


NOT_SHOWN = {
    "Field",
    "ConfigFault",
    "InputFault",
    "UsageFault",
    "Problem",
    "RuntimeError",
    "ValueError",
    "STATED_PARTS_DIFFERENCE",
}
"""What is made with these stands in the interface's description, in logs or in REST: English; or it
is taken into the catalog by `deploy.texts`."""


def test_the_reader_is_given_the_language_that_the_browser_prefers() -> None:
    assert accepted_language("zh-CN,zh;q=0.9,en;q=0.8") == "zh-Hans"
    assert accepted_language("en-GB,en;q=0.9,zh;q=0.8") == "en"
    assert accepted_language("de;q=1, zh-Hant;q=0.5") == "zh-Hans"
    assert accepted_language("zh;q=0, de") == "en"
    assert accepted_language("zh;q=abc,\x00;;;,,") == "en"
    assert accepted_language("") == "en"


def test_what_another_layer_said_is_translated_with_its_values() -> None:
    with in_language("zh-Hans"):
        assert _("Sign out") == "退出登录"
        assert ngettext("%(num)s day", "%(num)s days", 3) == "3 天"
        assert said("100% of nothing that is known") == "100% of nothing that is known"
        assert _("") == said("") == ""
    assert _("Sign out") == N_("Sign out") == said("Sign out")


def test_amounts_read_the_same_in_both_languages() -> None:
    """So they need no format of their own; docs/decisions/0093."""
    for locale in ("en", "zh_Hans"):
        assert format_decimal(Decimal("1234567.50"), "#,##0.00", locale) == "1,234,567.50"
