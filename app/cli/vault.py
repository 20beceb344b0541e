"""`tally vault`: what lies encrypted in a bank's database."""

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import OwnConfig
from app.config import load_config
from app.db import engine as db
from app.db.reseal import reseal
from app.db.vault import Vault
from app.keys.keystore import STORAGE, install_successor, load_secret, prepare_successor, standing
from app.keys.versions import KeyVersions

vault = typer.Typer(help="What lies encrypted in a bank's database.", no_args_is_help=True)


@vault.callback()
def _group() -> None:
    """With a single command, Typer would otherwise take the group's name away."""


@vault.command()
def rotate(config: OwnConfig) -> None:
    """Replace the storage key by a fresh one, and seal every encrypted value anew with it.

    The bank's node goes on meanwhile. Cut off, run it again: it goes on with the same new key. The
    old key's file is kept, because older backups of the database open with nothing else.

    Example:

      tally vault rotate --config .tally/demo/banks/webank/bank.toml
    """
    bank = load_config(config)
    keys = KeyVersions(bank.keys, STORAGE, development=bank.development)
    engine = db.create(bank.database_url)
    try:
        db.upgrade(engine)
        prepare_successor(bank.keys, STORAGE, development=bank.development)
        fresh = load_secret(standing(bank.keys, STORAGE)[-1], development=bank.development)
        columns = (TextColumn("sealing anew"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bars:
            task = bars.add_task("seal")

            def show_progress(done: int, total: int) -> None:
                bars.update(task, completed=done, total=total)

            # The node opens values with the key that is to follow, and seals with it only then.
            sealed = reseal(engine, Vault([fresh, *keys]), {}, show_progress)
            old = install_successor(bank.keys, STORAGE)
            # What the node has taken in meanwhile.
            reseal(engine, Vault(keys), sealed, show_progress)
    finally:
        engine.dispose()
    stdout.print("what is encrypted is sealed with a fresh storage key")
    stdout.print(f"the old one is kept: {old}")
