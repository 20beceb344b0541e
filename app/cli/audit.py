"""`tally audit`: the audit trail of a bank."""

import re
from pathlib import Path
from typing import Annotated

import typer

from app.audit import verify as trail
from app.cli.shared.console import stdout
from app.config import load_config
from app.db import engine as db
from app.domain.errors import StorageFault, UsageFault

audit = typer.Typer(help="The audit trail of a bank: who did what.", no_args_is_help=True)

_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@audit.callback()
def _group() -> None:
    """With a single command, Typer would otherwise take the group's name away."""


@audit.command()
def verify(
    config: Annotated[Path, typer.Option(help="The bank's bank.toml.")],
    head: Annotated[
        str,
        typer.Option(metavar="NUMBER:HASH", help="What this command printed at an earlier time."),
    ] = "",
) -> None:
    """Check that every row of the trail fits the one before, and print the newest row's hash.

    Keep what it prints where nobody who can write the database can change it: given as --head
    later, it shows whether anything up to there was changed since. Says the first row that does
    not fit, and ends with 3.

    Example:

      tally audit verify --config bank.toml
    """
    kept = _kept(head)
    engine = db.create(load_config(config).database_url)
    try:
        db.upgrade(engine)
        with engine.connect() as connection:
            found = trail.verify(connection, kept)
    finally:
        engine.dispose()
    if found.wrong:
        raise StorageFault(
            f"the audit trail was changed: {found.wrong}",
            where=str(config),
            remedy=f"It holds up to row {found.head.number}; compare with a backup",
        )
    stdout.print(f"{found.head.number:,} rows, each fits the one before", highlight=False)
    typer.echo(f"head {found.head}")


def _kept(text: str) -> trail.Head | None:
    if not text:
        return None
    shape = _HEAD.fullmatch(text.strip().removeprefix("head "))
    if shape is None:
        raise UsageFault("--head is NUMBER:HASH, as `tally audit verify` prints it")
    return trail.Head(int(shape[1]), bytes.fromhex(shape[2]))
