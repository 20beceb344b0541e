"""`tally consortium keys`: the keys by which the chain knows the members, and their rotation."""

from typing import Annotated, Literal

import typer

from app.actions.keys import ROTATED_BY, RotateKey, rotate
from app.cli.consortium.own_keys import create, prove, show_own
from app.cli.shared.acting import acting, show_done
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    checked_member,
    reading,
    show,
    show_as_of,
    table,
)
from app.presentation.common import as_of
from app.readmodel.consortium.queries import list_keys

keys = typer.Typer(help="The keys by which the chain knows the members.", no_args_is_help=True)
keys.command()(create)
keys.command("show")(show_own)
keys.command()(prove)


@keys.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    member: Annotated[str | None, typer.Option(help="Of one member, by name.")] = None,
) -> None:
    """Show the keys that serve, and those that were replaced.

    Example:

      tally consortium keys list --config bank.toml --member huarui
    """
    with reading(config) as engine, engine.connect() as connection:
        found = list_keys(connection, checked_member(connection, member))
        read_to = as_of(connection)
    made = table("member", "purpose", "key", "given by", "since block", "replaced in block")
    for one in found:
        made.add_row(
            one.member,
            one.purpose,
            one.key,
            one.given_by,
            f"{one.since_block:,}",
            "" if one.retired_block is None else f"{one.retired_block:,}",
            style="dim" if one.retired_block is not None else "",
        )
    show(made)
    show_as_of(read_to)


@keys.command("rotate")
def rotate_(
    purpose: Annotated[
        Literal["operator", "sealing", "approver"],
        typer.Argument(help="The key that is replaced."),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    signed_by: Annotated[
        Literal["approver", "recovery"] | None,
        typer.Option(help="The key that replaces it.", show_default="approver, else recovery"),
    ] = None,
) -> None:
    """Replace a key of this bank's own by a fresh one. The old key's file is kept beside it.

    The operator and the sealing key are replaced by the approver key (or the recovery key), the
    approver key by the recovery key. Cut off, run it again: it goes on with the same new key. The
    bank's node goes on meanwhile: it finds the new key by itself, and what it had on its way goes
    out under it. Keep the old files of the sealing key: what was sealed to it opens with nothing
    else. (`tally vault rotate` replaces the key of what is encrypted in the database.)

    Example:

      tally consortium keys rotate operator --config bank.toml
    """
    signer = signed_by or ROTATED_BY[purpose]
    with acting(config) as bank:
        asked = RotateKey(purpose, bank.config.keys, bank.config.development)
        rotated = rotate(asked, bank.view, bank.consortium, bank.key(signer))
    stdout.print(f"the {purpose} key is now {rotated.key}")
    stdout.print(f"the old one is kept: {rotated.old_key_file}")
    if rotated.receipts:
        show_done(rotated, f"tally consortium keys list --member {bank.config.name}")
    else:
        stderr.print("the chain had taken the new key already", style="dim")
