"""`tally archive`: closed days leave the database for Parquet files, which are read with it."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated

import typer

from app.archive import run
from app.archive.run import Archived
from app.archive.verify import verify as verify_archives
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption
from app.config import load_config
from app.domain.errors import StorageFault, UsageFault
from app.node.bank import open_bank

archive = typer.Typer(invoke_without_command=True)


@archive.callback()
def _archive(
    context: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    facility: Annotated[str | None, typer.Option(metavar="ID", help="A facility's id.")] = None,
    before: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Business dates before this one."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Move matched pairs of closed days out of the database into Parquet files.

    A pair leaves when it is matched, not resolved, no reversal and not reversed, and both banks
    have closed all its days; with it go this bank's own batches of closed days and the sealed
    details of their events. Event ids, sums and postings stay. Pages, REST, reports and proofs go
    on showing everything; the files must stay where they are. The node may go on working.

    A run that was cut short is gone on with by the next one. `tally archive verify` checks all
    archives.

    Example:

      tally archive --config bank.toml --facility WLD-2016-A --before 2026-01-01
    """
    if context.invoked_subcommand is not None:
        return
    if facility is None or before is None:
        raise UsageFault(
            "--facility and --before say what to archive",
            remedy="tally archive --facility ID --before YYYY-MM-DD",
        )
    with closing(open_bank(load_config(config))) as bank:
        found = run.plan(bank.engine, facility, before.date())
        for why in found.held_back:
            stderr.print(f"later days stay: {why}", style="dim")
        if dry_run:
            for month in found.months:
                stdout.print(f"{month.name}: {month.pairs:,} pairs")
            return
        run.archive(
            bank.engine,
            bank.endpoints.client(),
            bank.manifest,
            bank.member,
            bank.config.archive,
            facility,
            before.date(),
            _say,
        )


def _say(done: Archived) -> None:
    stdout.print(f"{done.month}: {done.pairs:,} pairs in {done.folder}")


@archive.command()
def verify(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Read all archives through, and hold them against the database and the chain.

    Example:

      tally archive verify --config bank.toml
    """
    loaded = load_config(config)

    def say(what: str, faults: Sequence[str]) -> None:
        stdout.print(f"{what}: {'in order' if not faults else 'WRONG'}")
        for fault in faults:
            stderr.print(f"  {fault}", style="red")

    with closing(open_bank(loaded)) as bank:
        run.find_moved(bank.engine, loaded.archive)
        if not verify_archives(bank.engine, bank.endpoints.client(), bank.manifest, say):
            raise StorageFault(
                "an archive is not as it was written",
                remedy="Put its folder back from a backup; or `tally rebuild` takes all pairs from "
                "the chain again",
            )
