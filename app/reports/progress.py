"""How far a report has come: its section, and how many lines of it are written."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from app.reports.model import Report, Row, Section

_LINES_A_STEP = 1_000


def with_progress(report: Report, tell: Callable[[Section, int], None]) -> Report:
    """The same report, which tells of its lines as they are read: when a section begins (0), and
    after each thousand. What `tell` raises ends the reading."""

    def rows(section: Section) -> Iterator[Row]:
        tell(section, 0)
        for number, row in enumerate(section.rows(), start=1):
            if number % _LINES_A_STEP == 0:
                tell(section, number)
            yield row

    return replace(
        report, sections=tuple(replace(one, rows=partial(rows, one)) for one in report.sections)
    )
