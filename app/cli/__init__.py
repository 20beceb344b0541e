"""The `tally` command. Each verb lies in a file of its own; this one lists them."""

import sys

import typer

from app.cli.console import stderr
from app.domain.errors import InputFault, TallyError

_INPUT_EXIT = 2
_FAILED_EXIT = 3

cli = typer.Typer(
    name="tally",
    help="Tallystick: joint lending between banks, reconciled leg by leg on a shared chain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _register() -> None:
    from app.cli import demo, feed, keys, node, rebuild, reconcile

    cli.command("reconcile")(reconcile.reconcile)
    cli.command("node")(node.node)
    cli.command("demo")(demo.demo)
    cli.add_typer(feed.feed, name="feed")
    cli.add_typer(keys.keys, name="keys")
    cli.command("rebuild")(rebuild.rebuild)


def main() -> None:
    """Run the command line. Exit codes: 2 for unusable input, 3 for what failed on the way."""
    _register()
    try:
        cli()
    except TallyError as fault:
        stderr.print(f"[bold red]error[/] {fault.where + ': ' if fault.where else ''}", end="")
        stderr.print(fault.what, markup=False, highlight=False)
        if fault.remedy:
            stderr.print(f"      {fault.remedy}", markup=False, highlight=False)
        sys.exit(_INPUT_EXIT if isinstance(fault, InputFault) else _FAILED_EXIT)
