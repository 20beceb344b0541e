"""How far a report has come, on a terminal: its section, and how many lines of it are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli.shared.console import stderr
from app.reports.model import Report, Row, Section

_LINES_A_STEP = 1_000


@contextmanager
def shown(report: Report) -> Iterator[Report]:
    """The report, which tells of its lines as they are read."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=stderr, disable=not stderr.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(report.title)

        def rows(section: Section) -> Iterator[Row]:
            for number, row in enumerate(section.rows(), start=1):
                if number % _LINES_A_STEP == 0:
                    progress.update(task, description=f"{section.title}: {number:,} lines")
                yield row

        yield replace(
            report,
            sections=tuple(replace(one, rows=partial(rows, one)) for one in report.sections),
        )
