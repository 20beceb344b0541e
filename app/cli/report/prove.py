"""`tally report prove`: the proof bundle of a period."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.shared.acting import acting
from app.cli.shared.console import stderr
from app.cli.shared.files import written
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption, FirstDay, LastDay, record_export
from app.proof.make import make
from app.reports.source import Request, open_source


def prove(
    facility: Annotated[str, typer.Option(metavar="ID", help="The facility's id.")],
    first: FirstDay,
    last: LastDay,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the proof bundle of a period: its lines and totals, with the chain's own blocks from
    which `tally verify` works them out anew. It opens no name and no detail.

    Example:

      tally report prove --facility WLD-2016-A --from 2026-03-01 --to 2026-03-31 --out march.proof
    """
    request = Request(facility=facility, first=first.date(), last=last.date())
    with acting(config) as bank, open_source(bank.view.engine, request) as source:
        made = make(source, bank.rpc, bank.manifest)
        record_export(bank.view.engine, f"proof bundle of {facility}, {first:%F} to {last:%F}")
    written(out, lambda target: target.write_bytes(made.file))
    lines = len(made.proved.facts["lines"])
    stderr.print(
        f"{out}: {lines:,} lines as of block {made.proved.facts['last']['number']:,}, proved "
        f"by {made.proved.headers:,} blocks in {len(made.file):,} bytes",
        soft_wrap=True,
    )
