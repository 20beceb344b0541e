"""The threat model is kept true by its links: every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
LINKS = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


@pytest.mark.parametrize("link", LINKS)
def test_a_test_that_is_named_is_there(link: str) -> None:
    path, _, name = link.partition("::")
    assert (ROOT / path).is_file(), link
    text = (ROOT / path).read_text()
    assert not name or re.search(rf"\b(def|function) {re.escape(name)}\(", text), link


def test_every_row_says_what_proves_it_or_that_nothing_does() -> None:
    rows = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    assert len(rows) > 30
    for row in rows[1:]:
        assert len(row) == 6, row
        if not row[0].strip().startswith("**"):
            assert set(row[2].strip().split(", ")) <= set("STRIDE"), row[0]
            assert "`tests/" in row[4] or "no test" in row[5] or "LEFT" in row[5], row[0]


def test_every_item_of_the_issue_has_a_row() -> None:
    assert {int(one) for one in re.findall(r"10\.(\d+)", PAGE)} >= set(range(1, 17))
