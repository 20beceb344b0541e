"""`tally audit`: the audit trail of a bank."""

import re
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, select

from app.audit import verify as trail
from app.cli.shared.acting import acting
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import OwnConfig, reading
from app.domain.errors import ChainFault, ConfigFault, StorageFault, UsageFault
from app.readmodel.chain import cursor
from app.readmodel.disclosures.queries import own_anchors

audit = typer.Typer(help="The audit trail of a bank: who did what.", no_args_is_help=True)

_HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@audit.callback()
def _group() -> None:
    """With a single command, Typer would otherwise take the group's name away."""


@audit.command()
def verify(
    config: OwnConfig,
    head: Annotated[
        str,
        typer.Option(metavar="NUMBER:HASH", help="What this command printed at an earlier time."),
    ] = "",
) -> None:
    """Check that every row of the trail fits the one before and the heads that were anchored on the
    chain, and print the newest row's hash.

    The node anchors the head once a day. Keep what is printed here where nobody who can write the
    database can change it: given as --head later, it shows whether anything up to there was changed
    since. Says the first row that does not fit, and ends with 3.

    Example:

      tally audit verify --config bank.toml
    """
    kept = _kept(head)
    with reading(config) as engine, engine.connect() as connection:
        read = [trail.Head(one.rows, one.head) for one in own_anchors(connection)]
        last, why_not = _anchored(config, connection)
        found = trail.verify(connection, [*kept, *read, *last])
    if found.wrong:
        raise StorageFault(
            f"the audit trail was changed: {found.wrong}",
            where=str(config),
            remedy=f"It holds up to row {found.head.number}; compare with a backup",
        )
    stdout.print(f"{found.head.number:,} rows, each fits the one before")
    known = {one.number for one in (*read, *last)}
    if known:
        stdout.print(
            f"{len(known):,} heads anchored on the chain, the last of row {max(known):,}; each is "
            "that row's"
        )
    else:
        stdout.print("nothing is anchored on the chain yet")
    if why_not:
        stderr.print(
            f"the chain was not asked for the last one ({why_not}): whoever can write this "
            "database can change the ones that it holds",
            style="yellow",
        )
    typer.echo(f"head {found.head}")


def _anchored(config: Path, connection: Connection) -> tuple[list[trail.Head], str]:
    """The last head that is anchored, by the chain's own word; or why it could not be asked."""
    member = connection.execute(select(cursor.c.member)).scalar_one_or_none()
    if member is None:
        return [], "this node has not read the chain yet"
    try:
        with acting(config) as bank:
            rows, head = bank.day_close.audit_anchor_of(member)
    except (ChainFault, ConfigFault) as fault:
        return [], fault.what
    return ([trail.Head(rows, head)] if rows else []), ""


def _kept(text: str) -> list[trail.Head]:
    if not text:
        return []
    shape = _HEAD.fullmatch(text.strip().removeprefix("head "))
    if shape is None:
        raise UsageFault("--head is NUMBER:HASH, as `tally audit verify` prints it")
    return [trail.Head(int(shape[1]), bytes.fromhex(shape[2]))]
