"""What a report's progress says on a terminal, and that it changes nothing of the report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from app.cli.report import progress
from app.reports.model import Column, Report, Row, Section


@pytest.mark.parametrize("is_terminal", [True, False])
def test_lines_are_told_on_a_terminal_alone(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = StringIO()
    console = Console(file=screen, force_terminal=is_terminal, width=80)
    monkeypatch.setattr(progress, "stderr", console)

    def rows() -> Iterator[Row]:
        return ((f"L{place}",) for place in range(2_500))

    section = Section("lines", "Every line", (Column("event_ref"),), rows)
    report = Report("bench", "Bench", (), datetime(2026, 1, 1, tzinfo=UTC), "CNY", 2, (section,))
    with progress.shown(report) as told:
        assert list(told.sections[0].rows()) == list(rows())
    assert ("Lines: 2,000 lines" in screen.getvalue()) == is_terminal
