"""`tally node`: one bank's node."""

import logging
import os
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
from app.logs import configure_logs
from app.node import Node

_POLL_S = 0.5

_log = structlog.get_logger()


def node(
    config: Annotated[Path, typer.Option(help="The bank's bank.toml.")],
) -> None:
    """Run one bank's node: API, page, feed folder, submitter and indexer. Ctrl-C ends it.

    SIGTERM and Ctrl-C end it within some seconds: nothing more is taken in, requests and jobs at
    work may end, and the lane is given up, so that a successor posts at once.

    Files put into the inbox, as inbox/FACILITY/feed.csv, are taken in and moved aside.

    Example:

      tally node --config .tally/demo/banks/webank/bank.toml
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    configure_logs(logging.INFO)
    loaded = load_config(config)
    running = Node(_bank(loaded))
    try:
        running.serve(
            lambda address: stdout.print(f"{loaded.name} is at {address}", highlight=False)
        )
    finally:
        if running.stuck:
            # A job waits for a chain or a disk that does not answer. Nothing is lost with it: a
            # node may be killed at any point.
            os._exit(0)


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
