"""How far a report has come, on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli.shared.console import stderr
from app.reports.model import Report, Section
from app.reports.progress import with_progress


@contextmanager
def shown(report: Report) -> Iterator[Report]:
    """The report, which tells of its lines as they are read."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=stderr, disable=not stderr.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(report.title)

        def tell(section: Section, lines: int) -> None:
            progress.update(task, description=f"{section.title}: {lines:,} lines")

        yield with_progress(report, tell)
