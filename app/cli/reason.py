"""`tally reason`: why a bank did something, and that it is what it signed."""

import re
from typing import Annotated

import typer
from rich.text import Text

from app.cli.shared.console import stdout
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption, JsonOption, reading
from app.domain.errors import UsageFault
from app.presentation.consortium import reason_out
from app.readmodel.reasons.queries import reason as given

_HASH = re.compile("(?:0x)?([0-9a-fA-F]{64})")


def reason(
    hash_: Annotated[str, typer.Argument(metavar="HASH", help="The reason's hash, 64 hex digits.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show the reason behind a hash, and the salt: keccak256 of salt and text is the hash.

    Of a day that was disputed or opened again, a pause, a facility's change, an emergency stop or a
    proposal; the commands that show those show the hash. With --json as GET /v1/reasons/HASH.

    Example:

      tally reason 0x57f1a8f9f7c5f3bb2b1c6b5c3aa1d43c2f1b6d0cf41e2d4f3b8f0f9b1c2d3e4f
    """
    shape = _HASH.fullmatch(hash_)
    if shape is None:
        raise UsageFault(f"{hash_!r} is no hash; give 64 hex digits")
    with reading(config) as engine, engine.connect() as connection:
        found = given(connection, bytes.fromhex(shape[1]))
    if found is None:
        raise UsageFault(
            "no reason of this hash was given to this bank's node",
            remedy="It is sealed for those who may read it; ask the bank that gave it",
        )
    if as_json:
        typer.echo(reason_out(found).model_dump_json(indent=2))
        return
    stdout.print(found.text)
    stdout.print(
        Text(f"by {found.member}, {found.given_at:%Y-%m-%d %H:%M} UTC, {found.transaction}", "dim")
    )
    stdout.print(Text(f"salt {found.salt.hex()}", "dim"), soft_wrap=True)
