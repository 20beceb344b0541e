"""`tally node`: one bank's node."""

import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import structlog
import typer

from app.bootstrap import Bank
from app.cli.console import stdout
from app.config import BankConfig, load_config
from app.domain.errors import ChainUnreachable
from app.node import Node

_POLL_S = 0.5

_log = structlog.get_logger()


def node(
    config: Annotated[Path, typer.Option(help="The bank's bank.toml.")],
) -> None:
    """Run one bank's node: API, page, feed folder, submitter and indexer. Ctrl-C ends it.

    Files put into the inbox, as inbox/FACILITY/feed.csv, are taken in and moved aside.

    Example:

      tally node --config .tally/demo/banks/webank/bank.toml
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    loaded = load_config(config)
    Node(_bank(loaded)).serve(
        lambda address: stdout.print(f"{loaded.name} is at {address}", highlight=False)
    )


def _bank(config: BankConfig) -> Bank:
    """The bank's machinery. With an empty database it needs the chain, to know who it is: then
    this waits for it."""
    said = False
    while True:
        try:
            return Bank(config)
        except ChainUnreachable as fault:
            if not said:
                _log.warning("waiting for the chain", why=str(fault))
                said = True
            time.sleep(_POLL_S)
