"""What the reading commands share: the bank's database, and tables that fit where they go."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, Engine

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.cli.shared.console import console, stderr, stdout
from app.config import load_config
from app.db import engine as db
from app.domain.errors import UsageFault
from app.presentation.common import AsOf
from app.readmodel.directory import directory

_WIDEST = 10_000

ConfigOption = Annotated[
    Path,
    typer.Option(help="The bank's bank.toml.", envvar="TALLY_CONFIG", show_default=True),
]
OwnConfig = Annotated[Path, typer.Option(help="The bank's bank.toml.")]
"""Of commands that must be told whose database they work on."""
FacilityOption = Annotated[str | None, typer.Option(metavar="ID", help="A facility's id.")]
FacilityName = Annotated[str, typer.Option("--facility", metavar="ID", help="A facility's id.")]
PartnerOption = Annotated[
    str | None, typer.Option("--partner", metavar="NAME", help="A partner's name.")
]
FirstDay = Annotated[
    datetime,
    typer.Option(
        "--from",
        formats=["%Y-%m-%d"],
        metavar="YYYY-MM-DD",
        help="First business date, included.",
    ),
]
LastDay = Annotated[
    datetime,
    typer.Option(
        "--to", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last business date, included."
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Most lines.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]

DEFAULT_CONFIG = Path("bank.toml")


@contextmanager
def reading(config: Path) -> Iterator[Engine]:
    """The bank's database, brought up to date."""
    engine = db.create(load_config(config).database_url)
    try:
        db.upgrade(engine)
        yield engine
    finally:
        engine.dispose()


def record_export(engine: Engine, subject: str) -> None:
    """Before a file is given out: a row in the bank's audit trail."""
    with engine.begin() as connection:
        append(connection, Entry(current_actor.get(), "export", subject))


def checked_facility(connection: Connection, given: str | None) -> str | None:
    """A facility's id as given, if there is one. Raises UsageFault for one that nobody knows."""
    if given is not None:
        directory(connection).known_facility(given)
    return given


def checked_member(connection: Connection, given: str | None) -> str | None:
    """A member's name as given, if there is one. Raises UsageFault for one that nobody knows."""
    members = directory(connection).members.values()
    if given is not None and given not in (one.name for one in members):
        known = ", ".join(one.name for one in members) or "none yet"
        raise UsageFault(
            f"{given!r} is no member of this consortium", remedy=f"Its members: {known}"
        )
    return given


def table(*texts: str, numbers: tuple[str, ...] = ()) -> Table:
    """A table whose first columns are texts and the others numbers."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in texts:
        made.add_column(name, no_wrap=True)
    for name in numbers:
        made.add_column(name, justify="right", no_wrap=True)
    return made


def show(made: Table) -> None:
    """Print a table whole: on a terminal that is too narrow for it row by row, each cell with the
    name of its column."""
    if not made.row_count:
        stderr.print("none", style="dim")
    if not stdout.is_terminal:
        console(width=_WIDEST).print(made)
    elif _width(made) <= stdout.width:
        stdout.print(made)
    else:
        for row in rows_in_words(made, stdout.width):
            stdout.print(row)


def _width(made: Table) -> int:
    """Of the whole table, no cell cut."""
    unbound = stdout.options.update(width=_WIDEST)
    return Measurement.get(stdout, unbound, made).maximum


def rows_in_words(made: Table, width: int) -> Iterator[Text]:
    """Each row of a table as text, empty cells left out, lines broken between cells."""
    for cells in zip(*(column.cells for column in made.columns), strict=True):
        row, line_cells = Text(), 0
        for column, cell in zip(made.columns, cells, strict=True):
            value = cell if isinstance(cell, Text) else Text(str(cell))
            if not value.plain.strip():
                continue
            item = Text.assemble((f"{column.header} " if column.header else "", "dim"), value)
            if line_cells and line_cells + 2 + item.cell_len > width:
                row.append("\n  ")
                line_cells = 2
            elif line_cells:
                row.append("  ")
                line_cells += 2
            row.append_text(item)
            line_cells += item.cell_len
        yield row


def show_more(following: object, limit: int) -> None:
    """Say on standard error that these are not all lines, where more follow."""
    if following is not None:
        stderr.print(f"there are more than these {limit:,}; give --limit", style="yellow")


def show_as_of(as_of: AsOf | None) -> None:
    """Say on standard error which block the answer is true of."""
    if as_of is None:
        stderr.print("no block of the chain has been read yet: start the bank's node", style="dim")
    else:
        stderr.print(
            Text(f"as of block {as_of.block:,}, {as_of.time:%Y-%m-%d %H:%M:%S} UTC", style="dim")
        )
