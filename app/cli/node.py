"""`tally node`: one bank's node."""

from pathlib import Path
from typing import Annotated

import typer

from app.bootstrap import Bank
from app.cli.console import stdout
from app.config import load_config
from app.logs import configure_logs
from app.node import Node


def node(
    config: Annotated[Path, typer.Option(help="The bank's bank.toml.")],
) -> None:
    """Run one bank's node: API, page, feed folder, submitter and indexer. Ctrl-C ends it.

    Files put into the inbox, as inbox/FACILITY/feed.csv, are taken in and moved aside.

    Example:

      tally node --config .tally/demo/banks/webank/bank.toml
    """
    configure_logs()
    loaded = load_config(config)
    Node(Bank(loaded)).serve(
        lambda address: stdout.print(f"{loaded.name} is at {address}", highlight=False)
    )
