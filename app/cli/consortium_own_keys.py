"""`tally consortium keys create` and `show`: a bank's own keys, and what it hands over of them."""

import shlex
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.cli.console import stderr, stdout
from app.cli.consortium_propose import RoleName
from app.cli.names import check_names
from app.cli.reading import DEFAULT_CONFIG, ConfigOption, JsonOption, show, table
from app.config import load_config
from app.domain.errors import UsageFault
from app.keys.keystore import PublicKeys, create_keys, public_keys, unfinished

RoleOption = Annotated[RoleName, typer.Option(help="What it is to be in the consortium.")]


def create(
    directory: Annotated[
        Path, typer.Option("--dir", metavar="KEYS", help="A folder that is new or empty.")
    ],
    name: Annotated[str, typer.Option(help="The bank's name, as the consortium shall know it.")],
    role: RoleOption = RoleName.partner,
    development: Annotated[
        bool,
        typer.Option(
            "--development",
            help="Keys for tests, quick to open; refused where bank.toml has no "
            "`development = true`.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a bank's own keys: operator, approver, recovery, sealing and storage.

    Prints what the consortium may know of them, and the line by which one of its banks proposes the
    admission. The keys are encrypted under a passphrase that is made with them and lies beside
    them; nothing is ever overwritten. Cut off, it has made nothing: run it again.

    Example:

      tally consortium keys create --dir keys --name nanfeng
    """
    check_names([name])
    folder = directory.resolve()
    for left in unfinished(folder):
        stderr.print(
            f"{left} was left by a run that was cut off; nobody knows its keys: delete it",
            markup=False,
            highlight=False,
        )
    public = create_keys(folder, development=development)
    _hand_over(name, role, public, as_json=as_json)
    if development:
        stderr.print("development keys: bank.toml must say `development = true`", style="yellow")
    stderr.print(
        f"made {folder}; back it up before the admission, the file `passphrase` apart from the "
        "rest, and name the folder in bank.toml (`keys`)",
        style="dim",
        markup=False,
        highlight=False,
    )


def show_own(
    config: ConfigOption = DEFAULT_CONFIG,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="KEYS", help="The keys' folder, where no bank.toml is yet."),
    ] = None,
    name: Annotated[str, typer.Option(help="With --dir: the bank's name.")] = "",
    role: RoleOption = RoleName.partner,
    as_json: JsonOption = False,
) -> None:
    """Show what others may know of a bank's own keys: what a consortium needs to admit it.

    Example:

      tally consortium keys show --config bank.toml
    """
    if (directory is None) is not (name == ""):
        raise UsageFault("--dir and --name go together", remedy="Or give --config alone")
    if directory is None:
        found = load_config(config)
        directory, name = found.keys, found.name
    check_names([name])
    _hand_over(name, role, public_keys(directory), as_json=as_json)


def _hand_over(name: str, role: RoleName, public: PublicKeys, *, as_json: bool) -> None:
    keys = {
        "operator": public.operator,
        "approver": public.approver,
        "recovery": public.recovery,
        "sealing_key": public.sealing.hex(),
    }
    line = ["tally", "consortium", "propose", "admit", name, "--role", role.value]
    for purpose, key in keys.items():
        line += ["--" + purpose.replace("_", "-"), key]
    if as_json:
        body = {"name": name, "role": role.value, **keys, "propose": shlex.join(line)}
        typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
        return
    made = table("purpose", "public half")
    for purpose, key in keys.items():
        made.add_row(purpose.removesuffix("_key"), key)
    show(made)
    stdout.print()
    # One line, so that it can be copied whole.
    stdout.print(shlex.join(line), soft_wrap=True, markup=False, highlight=False)
    stderr.print("a bank of the consortium proposes so, with its --reason", style="dim")
