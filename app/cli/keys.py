"""`tally keys`: API keys of a bank's node."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from app.cli.shared.console import stderr
from app.cli.shared.reading import show, table
from app.config import NodeConfig, load_node
from app.db import engine as db
from app.domain.errors import UsageFault
from app.http import keys as api_keys

keys = typer.Typer(help="API keys of a bank's node.", no_args_is_help=True)

ConfigOption = Annotated[
    Path, typer.Option(help="The bank's bank.toml, or the file of a node of several channels.")
]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    config: ConfigOption,
    role: Annotated[
        api_keys.Role,
        typer.Option(
            help="feeds pushes, read reads, metrics scrapes /metrics, admin does all of it."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the key into a new file that only its owner may read."
        ),
    ] = None,
) -> None:
    """Make a key and print it, this once: only its hash is kept.

    On a node of several channels each channel has its own keys, made with its own bank.toml; the
    node's own (role read, metrics or admin) tell how the channels are, and open none of them.

    Example:

      tally keys create core-banking --role feeds --config bank.toml --out webank.key
    """
    if role == "feeds" and isinstance(load_node(config), NodeConfig):
        raise UsageFault(
            "feeds are pushed to a channel, not to the node",
            where=str(config),
            remedy="Give the channel's own bank.toml",
        )
    with _database(config).begin() as connection:
        _, text = api_keys.create(connection, name, role)
        if out is not None:  # before the commit: no key is left that nobody has
            _write_new(out, text + "\n")
    if out is None:
        typer.echo(text)


@keys.command("list")
def list_(config: ConfigOption) -> None:
    """Show all keys, without their secrets.

    Example:

      tally keys list --config bank.toml
    """
    made = table("id", "name", "role", "made", "revoked")
    with _database(config).connect() as connection:
        for key in api_keys.list_keys(connection):
            revoked = "" if key.revoked_at is None else _minute(key.revoked_at)
            made.add_row(key.id, key.name, key.role, _minute(key.created_at), revoked)
    show(made)


def _minute(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M}"


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `tally keys list` shows it.")],
    config: ConfigOption,
) -> None:
    """Close a key from now on.

    Example:

      tally keys revoke 0f3a5c7e9b1d --config bank.toml
    """
    with _database(config).begin() as connection:
        if not api_keys.revoke(connection, key_id):
            raise UsageFault(f"no open key has the id {key_id!r}", remedy="See `tally keys list`")
    stderr.print(f"key {key_id} is closed")


def _write_new(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise UsageFault(
            f"the key cannot be written ({fault.strerror})",
            where=str(path),
            remedy="Give --out a new file in a folder that may be written",
        ) from None
    with os.fdopen(handle, "w") as file:
        file.write(text)


def _database(config: Path) -> Engine:
    engine = db.create(load_node(config).database_url)
    db.upgrade(engine)
    return engine
