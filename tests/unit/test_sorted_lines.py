"""Lines are sorted whether or not they fit into memory."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports import sorting

LINE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=5)


@given(lines=st.lists(LINE, max_size=40), most=st.integers(1, 12), block=st.integers(1, 9))
def test_the_lines_are_in_order(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], most: int, block: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sorting, "LINES_IN_MEMORY", most)
        patched.setattr(sorting, "_BLOCK_CHARACTERS", block)
        assert list(chain.from_iterable(sorting.sorted_lines(iter(lines), folder))) == sorted(lines)


def test_nothing_is_left_where_the_lines_waited(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sorting, "LINES_IN_MEMORY", 2)
        assert next(sorting.sorted_lines("cabd", tmp_path))[0] == "a"
    assert list(tmp_path.iterdir()) == []
