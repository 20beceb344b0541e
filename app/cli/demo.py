"""`tally demo`: a consortium on this machine, to watch."""

import signal
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.cli.shared.console import stdout
from app.cli.shared.summary import print_summary
from app.domain.errors import UsageFault
from app.domain.money import format_amount
from app.local.demo.environment import on_network, own_chain
from app.local.demo.run import SAMPLE_EVENTS, Demo, running_demo
from app.people.development import NAMES, sign_in_note
from app.readmodel.accounts.balances import balances

_FOLDER = Path(".tally/demo")
_FEED_EVERY_S = 1.0
_EVENTS_A_FEED = 8
_PLAIN_LINE_EVERY_S = 10.0


def demo(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="DIR",
            help=f"Where the demonstration keeps what it has; else {_FOLDER}.",
        ),
    ] = None,
    network_dir: Annotated[
        Path | None,
        typer.Option(
            "--network", metavar="DIR", help="Use this network and its members, not a fresh chain."
        ),
    ] = None,
    once: Annotated[bool, typer.Option(help="End after the summary.")] = False,
) -> None:
    """Run a lead, three partners and an auditor on this machine, each with a node of its own.

    With --network these are the network's present members, on its validators' chain. A sample of
    loans is reconciled first; then feeds keep arriving until Ctrl-C, which stops everything that
    was started here. Started again, it goes on with what it had; `make reset` forgets it.

    Example:

      tally demo --network net
    """
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    if network_dir is not None and directory is not None:
        raise UsageFault("--dir and --network are given", remedy="Give one: a network has its own")
    try:
        with ExitStack() as stack:
            if network_dir is None:
                environment = stack.enter_context(own_chain(directory or _FOLDER, _say))
            else:
                environment = stack.enter_context(on_network(network_dir))
            running = stack.enter_context(running_demo(environment, _say))
            if running.fresh:
                _say("reconciling a sample: ten weeks, and a part of today")
                running.push(SAMPLE_EVENTS)
            running.settle()
            print_summary(stdout, running.result(started))
            _print_addresses(running)
            if not once:
                _go_on(running)
    except KeyboardInterrupt:
        _say("stopped")


def _go_on(running: Demo) -> None:
    if not stdout.is_terminal:
        _go_on_plainly(running)
    with Live(_table(running), console=stdout, auto_refresh=False) as live:
        while True:
            _feed(running)
            live.update(_table(running), refresh=True)


def _go_on_plainly(running: Demo) -> None:
    said_at = 0.0
    while True:
        _feed(running)
        if time.monotonic() - said_at > _PLAIN_LINE_EVERY_S:
            said_at = time.monotonic()
            for partner, agreed, breaks, proof in _lines(running):
                _say(f"{partner}: agreed {agreed}, {breaks} breaks, proof {proof}")


def _feed(running: Demo) -> None:
    running.check_nodes()
    running.push(_EVENTS_A_FEED)
    time.sleep(_FEED_EVERY_S)


def _table(running: Demo) -> Group:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("reserve account")
    for name in ("agreed", "breaks", "proof"):
        table.add_column(name, justify="right")
    for line in _lines(running):
        table.add_row(*line)
    return Group(Text(), table, Text("feeds keep arriving; Ctrl-C stops everything", style="dim"))


def _lines(running: Demo) -> list[tuple[str, str, str, str]]:
    with running.lead_engine().connect() as connection:
        accounts = balances(connection, facility=running.facility.id)
    return [
        (
            account.partner,
            f"{format_amount(account.books.agreed, account.decimals)} {account.currency}",
            f"{account.breaks:,}",
            "…" if account.proof is None else format_amount(account.proof, account.decimals),
        )
        for account in accounts
    ]


def _print_addresses(running: Demo) -> None:
    stdout.print("Pages to open:")
    for node in running.nodes:
        stdout.print(f"  {node.name:14} {node.url}")
    stdout.print(f"Sign in there as {', '.join(NAMES)}:")
    stdout.print(f"  {sign_in_note()}")


def _say(text: str) -> None:
    stdout.print(text, style="dim")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
