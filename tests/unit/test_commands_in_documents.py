"""Every `tally …` that documents and messages tell to type exists, with its options."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.text import Text

from app import cli
from app.cli.shared.help_texts import with_flowing_help

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", *sorted(f"docs/{one.name}" for one in (ROOT / "docs").glob("*.md")))


@cache
def tally() -> Any:
    for verb in cli._VERBS:
        cli._register([verb])
    return typer.main.get_command(cli.cli)


def commands() -> Iterator[tuple[str, str]]:
    """Every command line of the documents' code, blocks and words alike."""
    for name in DOCUMENTS:
        text = (ROOT / name).read_text().replace("\\\n", " ")
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        lines = [
            line.split("   #")[0].split(" > ")[0] for block in blocks for line in block.splitlines()
        ]
        rest = re.sub(r"^```\w*\n(.*?)^```", "", text, flags=re.DOTALL | re.MULTILINE)
        lines += re.findall(r"`([^`\n]+)`", rest)
        for line in lines:
            found = re.search(r"(?:^|\s)(tally [a-z].*)", line.strip())
            if found:
                yield name, found[1]


def messages() -> Iterator[tuple[str, str]]:
    """Every command line that the application's texts and its pages tell to type."""
    for path in (ROOT / "app").rglob("*.*"):
        if path.suffix == ".py":
            source = path.read_text()
            if "`tally" not in source:  # most: parsing all takes a second
                continue
            tree = ast.walk(ast.parse(source))
            said = [one.value for one in tree if isinstance(one, ast.Constant)]
            texts = [one for one in said if isinstance(one, str)]
        elif path.suffix == ".html" and "node_modules" not in path.parts:
            texts = [path.read_text()]
        else:
            continue
        for line in re.findall(r"`(tally [a-z][^`\n]*)`", "\0".join(texts)):
            yield str(path.relative_to(ROOT)), line


def faults(line: str) -> list[str]:
    """What of a command line does not exist."""
    command = tally()
    words = shlex.split(line)[1:]
    while hasattr(command, "commands"):
        if words and words[0].startswith("-"):
            break  # the group's own options, as of `tally breaks`, which lists
        if not words or not re.fullmatch(r"[a-z-]+", words[0]):
            return []  # the group itself is spoken of
        found = command.get_command(None, words[0])
        if found is None:
            return [f"no command {words[0]}"]
        command = found
        words.pop(0)
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    given = [word.split("=")[0] for word in words if word.startswith("-")]
    return [f"no option {word}" for word in given if word not in options | {"--help"}]


@pytest.mark.parametrize(("document", "line"), sorted({*commands(), *messages()}))
def test_it_exists(document: str, line: str) -> None:
    assert faults(line) == []


@pytest.mark.parametrize(
    "line", ["tally nothing", "tally network make", "tally network up --folder net"]
)
def test_what_does_not_exist_is_found(line: str) -> None:
    assert faults(line)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_dead_letters_are_named_by_event_ids(document: str) -> None:
    assert not re.search(r"dead-letters replay [0-9]+\b", (ROOT / document).read_text())


def test_the_alerts_name_parts_of_the_runbook() -> None:
    alerts = (ROOT / "deploy" / "compose" / "prometheus" / "alerts.yml").read_text()
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    named = set(re.findall(r"docs/runbook\.md, ([^\"]+)\"", alerts))
    assert named
    for part in named:
        assert f"\n## {part}\n" in runbook, part


def numbers_without_an_end(command: Any, path: str = "tally") -> Iterator[str]:
    for one in command.params:
        descriptor = getattr(one, "type_descriptor", None)
        if descriptor and "int" in str(descriptor.annotation) and one.max is None:
            yield f"{path} {one.name}"
    if hasattr(command, "commands"):
        context: Any = None  # which none of them asks for
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            yield from numbers_without_an_end(below, f"{path} {name}")


def help_texts(command: Any, path: str = "tally") -> Iterator[tuple[str, str]]:
    """Of each command, its help and that of its arguments and options."""
    yield path, command.help or ""
    for one in command.params:
        yield f"{path} {one.name}", getattr(one, "help", None) or ""
    if hasattr(command, "commands"):
        context: Any = None  # which none of them asks for
        for name in command.list_commands(context):
            yield from help_texts(command.get_command(context, name), f"{path} {name}")


def test_every_help_text_is_shown_whole_and_is_for_people() -> None:
    for where, text in help_texts(tally()):
        # What looks like markup of the terminal's library vanishes: `[default: the last one]`.
        shown = Text.from_markup(text).plain
        assert shown == text.replace("\\[", "["), where
        assert "Raises " not in shown, where


def test_a_help_text_wraps_where_the_terminal_ends() -> None:
    command = with_flowing_help(tally())
    for where, text in help_texts(command):
        for paragraph in text.split("\n\n"):
            assert "\n" not in paragraph or "\n " in f"\n{paragraph}", where


def test_every_number_that_a_command_takes_has_an_end() -> None:
    """Neither a database nor a contract can be asked about a larger one."""
    assert list(numbers_without_an_end(tally())) == []
