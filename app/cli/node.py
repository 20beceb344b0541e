"""`tally node`: a bank's node, on one channel or on several."""

import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import structlog
import typer

from app.cli.shared.console import stdout
from app.config import BankConfig, NodeConfig, load_node
from app.domain.errors import ChainUnreachable
from app.logs import configure_logs
from app.node.channel import Channel, open_channel
from app.node.multi_channel_node import MultiChannelNode
from app.node.single_node import SingleNode

_POLL_S = 0.5

_log = structlog.get_logger()


def node(
    config: Annotated[
        Path, typer.Option(help="The bank's bank.toml, or a node file that lists channels.")
    ],
) -> None:
    """Run one bank's node: API, page, feed folder, submitter and indexer. Ctrl-C ends it.

    SIGTERM and Ctrl-C end it within some seconds: nothing more is taken in, requests and jobs at
    work may end, and the lease is released, so that a successor posts at once.

    Files put into the inbox, as inbox/FACILITY/feed.csv, are taken in and moved aside.

    A node of several channels (each a chain of its own, with its keys, database and inbox) lists
    their files; each is then below /channels/NAME, and one that cannot be opened is tried again
    while the others work:

      \\[channels.c1]
      config = "c1/bank.toml"
      \\[channels.c2]
      config = "c2/bank.toml"

    Example:

      tally node --config .tally/demo/banks/webank/bank.toml

      tally node --config node.toml
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    configure_logs(logging.INFO)
    loaded = load_node(config)
    running: SingleNode | MultiChannelNode
    if isinstance(loaded, NodeConfig):
        running, served = MultiChannelNode(loaded), f"{len(loaded.channels)} channels are"
    else:
        running = SingleNode(_channel(loaded), loaded.api.host, loaded.api.port)
        served = f"{loaded.name} is"
    try:
        running.serve(lambda address: stdout.print(f"{served} at {address}"))
    finally:
        if running.stuck:
            # A job waits for a chain or a disk that does not answer. Nothing is lost with it: a
            # node may be killed at any point.
            os._exit(0)


def _channel(config: BankConfig) -> Channel:
    """The bank's machinery. With an empty database it needs the chain, to know who it is: then
    this waits for it."""
    said = False
    while True:
        try:
            return open_channel(config)
        except ChainUnreachable as fault:
            if not said:
                _log.warning("waiting for the chain", why=str(fault))
                said = True
            time.sleep(_POLL_S)
