"""What documents link to, and the files, tests, decisions and verbs of make that they name, are
there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CURRENT = [ROOT / "README.md", ROOT / "contracts" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
DECISIONS = sorted(ROOT.glob("docs/decisions/*.md"))
"""Of decisions the links alone: what they name was so when they were taken."""

_LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)")
_FILE = re.compile(r"`((?:app|contracts|deploy|docs|ganache|tests)/[\w./*-]+)(?:::(\w+))?[`\s]")
_DECISION = re.compile(r"\bdecisions? (\d+)\b", re.IGNORECASE)
_VERB = re.compile(r"`make ([a-z-]+)[`\s]|^make ([a-z-]+)\b", re.MULTILINE)


@cache
def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in headings}


def faults(page: Path, text: str) -> list[str]:
    found = []
    for target, anchor in _LINK.findall(text):
        linked = (page.parent / target).resolve() if target else page
        if not linked.exists():
            found.append(f"no file {target}")
        elif anchor and anchor not in anchors(linked):
            found.append(f"no heading {target}#{anchor}")
    return found


def names(text: str) -> list[str]:
    found = []
    for name, test in _FILE.findall(text):
        files = list(ROOT.glob(name.rstrip("/.")))
        if not files:
            found.append(f"no file {name}")
        elif test and not re.search(rf"\b(def|function) {test}\(", files[0].read_text()):
            found.append(f"no test {name}::{test}")
    numbers = {int(one.name[:4]) for one in DECISIONS}
    found += [f"no decision {n}" for n in _DECISION.findall(text) if int(n) not in numbers]
    verbs = re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    there = {verb for line in verbs for verb in line.split()}
    asked = ("".join(one) for one in _VERB.findall(text))
    return found + [f"no verb {verb}" for verb in asked if verb not in there]


@pytest.mark.parametrize("page", [*CURRENT, *DECISIONS], ids=lambda page: str(page.name))
def test_links_lead_somewhere(page: Path) -> None:
    assert faults(page, page.read_text()) == []


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: str(page.name))
def test_what_is_named_is_there(page: Path) -> None:
    assert names(page.read_text()) == []


def test_what_is_not_there_is_found() -> None:
    page = ROOT / "docs" / "feeds.md"
    assert faults(page, "[a](nothing.md) [b](glossary.md#nothing) [c](#nothing)") == [
        "no file nothing.md",
        "no heading glossary.md#nothing",
        "no heading #nothing",
    ]
    text = "`app/nothing.py`, `tests/conftest.py::test_nothing`, decision 4711, `make nothing`"
    assert names(text) == [
        "no file app/nothing.py",
        "no test tests/conftest.py::test_nothing",
        "no decision 4711",
        "no verb nothing",
    ]
