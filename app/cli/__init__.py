"""The `tally` command. Each verb lies in a file of its own; this one lists them."""

import os
import sys

import typer

from app.cli.console import stderr
from app.domain.errors import InputFault, TallyError

_INPUT_EXIT = 2
_FAILED_EXIT = 3
_TRACE_VARIABLE = "TALLY_TRACE"

cli = typer.Typer(
    name="tally",
    help="Tallystick: joint lending between banks, reconciled leg by leg on a shared chain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _register() -> None:
    from app.cli import demo, feed, keys, network, node, rebuild, reconcile

    cli.command("reconcile")(reconcile.reconcile)
    cli.command("node")(node.node)
    cli.command("demo")(demo.demo)
    cli.add_typer(feed.feed, name="feed")
    cli.add_typer(keys.keys, name="keys")
    cli.add_typer(network.network, name="network")
    cli.command("rebuild")(rebuild.rebuild)


def main() -> None:
    """Run the command line. Exit codes: 2 for unusable input, 3 for what failed on the way."""
    _register()
    try:
        cli()
    except TallyError as fault:
        where = f"{fault.where}: " if fault.where else ""
        stderr.print("[bold red]error[/]", end=" ")
        stderr.print(where + fault.what, markup=False, highlight=False)
        if fault.remedy:
            stderr.print(f"      {fault.remedy}", markup=False, highlight=False)
        sys.exit(_INPUT_EXIT if isinstance(fault, InputFault) else _FAILED_EXIT)
    except Exception as fault:
        if os.environ.get(_TRACE_VARIABLE):
            raise
        stderr.print(f"[bold red]error[/] tally itself failed ({type(fault).__name__}).", end=" ")
        stderr.print(
            f"Run it again with {_TRACE_VARIABLE}=1 and report what it prints; "
            "what was accepted is kept",
            highlight=False,
        )
        sys.exit(_FAILED_EXIT)
