"""The `tally` command. Each verb lies in a file of its own; this one lists them."""

import gc
import logging
import os
import sys
from importlib import import_module

import typer
from rich.text import Text

from app.audit.actor import current_actor
from app.cli.shared.console import stderr
from app.cli.shared.help_texts import with_flowing_help
from app.cli.shared.user import user
from app.domain.errors import InputFault, TallyError
from app.indexer.collector import collector_paused
from app.logs import configure_logs

_INPUT_EXIT = 2
_FAILED_EXIT = 3
_TRACE_VARIABLE = "TALLY_TRACE"
_ERROR = Text("error", "bold red")

cli = typer.Typer(
    name="tally",
    help="Tallystick: joint lending between banks, reconciled leg by leg on a shared chain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@cli.callback()
def _verbs_keep_their_names() -> None:
    """With a single command loaded, Typer would otherwise take its name away."""


_PANELS = {
    "Files and feeds": {
        "reconcile": "Reconcile feeds: each bank posts its own half, the contracts match them.",
        "demo": "Run a lead, three partners and an auditor on this machine, each with its node.",
        "feed": "Try a feed file out, or push it to a bank's node.",
        "quarantine": "Rows that were not taken: see them, mend them, let them be taken in.",
        "dead-letters": "Events that could not be posted, and batches that have stopped.",
    },
    "Accounts and breaks": {
        "balances": "Show each reserve account: balances, what is available, open legs, breaks.",
        "breaks": "List the breaks; propose, accept or dispute what resolves one.",
        "day": "Close the days of a reserve account: one bank states them, the other signs.",
        "hold": "Hold parts of the partners' reserves for a drawdown to come (lead only).",
        "facility": "Facilities: what their parties have agreed, and how they change it.",
        "reason": "Show why a bank did something: the text behind a reason's hash.",
    },
    "For auditors": {
        "report": "Write opening, movements, closing, pairs and breaks between two business dates.",
        "verify": "Check a proof bundle alone: no network, no database, no key.",
        "audit": "The audit trail: who did what.",
    },
    "A bank's node": {
        "node": "Run one bank's node: API, pages, feed folder, jobs. Ctrl-C ends it.",
        "doctor": "Look at everything that a bank's node needs, and say what to do.",
        "backup": "Copy the bank's SQLite database while its node works; PostgreSQL has pg_dump.",
        "restore": "Bring a database that was restored from an older backup up to the chain.",
        "rebuild": "Rebuild the read model from the chain alone and print its digest.",
        "archive": "Move matched pairs of closed days out of the database into Parquet files.",
        "vault": "What lies encrypted in a bank's database.",
        "alerts": "What somebody should look at now: list it, acknowledge it, snooze it.",
        "webhooks": "Endpoints that are sent what happens, and what became of each event.",
    },
    "Who may come in": {
        "keys": "API keys of a bank's node.",
        "people": "Who may sign in to a bank's pages, and the first administrator.",
        "sign-in": "Sign in to a bank's node, for the commands that act as a person.",
        "sign-out": "End that session.",
    },
    "The consortium": {
        "consortium": "The consortium: its members, and what they decide together.",
        "network": "A consortium on this machine: banks, their validators, the contracts.",
    },
}
"""What the help says of each verb. A verb is the name of a module or package here, and in it of the
function (or group) that it runs (with `_` for `-`). `shared` is what several verbs use."""
_VERBS = [verb for verbs in _PANELS.values() for verb in verbs]


_ACTING = ("breaks", "facility", "hold", "day", "consortium", "quarantine")
"""Verbs whose every act leaves its line in the log (`app.actions.act`, `app.intake.quarantine`)."""


_ENDING_AT_ONCE = ("node", "demo")


def _register(arguments: list[str]) -> None:
    """Load the verb that is asked for, and nothing for the help: the libraries behind some verbs
    take a second to load, which no other verb should wait for."""
    asked = arguments[0] if arguments else ""
    if asked not in _VERBS:
        for panel, verbs in _PANELS.items():
            for verb, summary in verbs.items():
                cli.command(verb, help=summary, rich_help_panel=panel)(_not_loaded)
        return
    name = asked.replace("-", "_")
    # What is loaded stays: looking for cycles in it took a fifth of the time.
    with collector_paused():
        found = getattr(import_module(f"app.cli.{name}"), name)
        gc.freeze()
    if isinstance(found, typer.Typer):
        cli.add_typer(found, name=asked)
    else:
        cli.command(asked)(found)


def _not_loaded() -> None:
    """Stands for a verb in the help; one that is asked for is loaded."""


def main() -> None:
    """Run the command line. Exit codes: 2 for unusable input, 3 for what failed on the way."""
    try:
        _run()
    except SystemExit as end:
        # All that these have at work is ended and stored by now. Python would take half a second
        # of CPU to take its modules apart: five nodes that end together, seconds.
        if not end.code and sys.argv[1:2] and sys.argv[1] in _ENDING_AT_ONCE:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
        raise


def _run() -> None:
    # Rows come by the thousand and make no cycles: looking for them took a tenth of all work.
    gc.set_threshold(50_000)
    os.umask(0o077)  # databases, logs and reports are their owner's
    configure_logs(logging.INFO if sys.argv[1:2] and sys.argv[1] in _ACTING else logging.WARNING)
    if sys.argv[1:2] and sys.argv[1] not in _ENDING_AT_ONCE:
        current_actor.set(f"command:{user()}")
    _register(sys.argv[1:])
    try:
        with_flowing_help(typer.main.get_command(cli))()
    except TallyError as fault:
        where = f"{fault.where}: " if fault.where else ""
        stderr.print(_ERROR + f" {where}{fault.what}")
        if fault.remedy:
            stderr.print(f"      {fault.remedy}")
        sys.exit(_INPUT_EXIT if isinstance(fault, InputFault) else _FAILED_EXIT)
    except Exception as fault:
        if os.environ.get(_TRACE_VARIABLE):
            raise
        stderr.print(
            _ERROR + f" tally itself failed ({type(fault).__name__}). Run it again with "
            f"{_TRACE_VARIABLE}=1 and report what it prints; what was accepted is kept"
        )
        sys.exit(_FAILED_EXIT)
