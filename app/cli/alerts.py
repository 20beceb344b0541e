"""`tally alerts`: what somebody of the bank should look at now."""

from itertools import islice
from typing import Annotated

import typer

from app.cli.shared.console import stderr, stdout
from app.cli.shared.node import signed_in
from app.cli.shared.reading import JsonOption, show, table
from app.domain.numbers import LARGEST

_MOST = 1_000

alerts = typer.Typer(
    help="What somebody should look at now, at the node that you signed in to (tally sign-in).",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(min=1, max=LARGEST, help="An alert's number.")]
Note = Annotated[str, typer.Option(help="What you do about it; it is kept.")]


@alerts.command("list")
def list_(
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the alerts, the newest first.

    Example:

      tally alerts list
    """
    with signed_in() as node:
        items = list(islice(node.alerts(status="all" if ended else "open"), _MOST))
    if as_json:
        stdout.print_json(data={"items": [one.model_dump(mode="json") for one in items]})
        return
    made = table("alert", "about", "state", "raised", "what is the matter", numbers=())
    for one in items:
        state = "ended" if one.ended_at else "acknowledged" if one.acknowledged_at else "waiting"
        raised = f"{one.raised_at:%Y-%m-%d %H:%M}"
        made.add_row(f"{one.number} {one.title}", one.subject, state, raised, one.text)
    show(made)


@alerts.command()
def acknowledge(number: Number, note: Note = "") -> None:
    """Say that you look after an alert: it is not escalated.

    Example:

      tally alerts acknowledge 12 --note "a top-up is ordered"
    """
    with signed_in() as node:
        node.acknowledge(number, note)
    stderr.print(f"alert {number} acknowledged")


@alerts.command()
def snooze(
    number: Number,
    minutes: Annotated[int, typer.Option(min=1, max=7 * 24 * 60, help="For how long.")],
    note: Note = "",
) -> None:
    """Keep an alert quiet; then, if its cause is still there, it is told again.

    Example:

      tally alerts snooze 12 --minutes 120
    """
    with signed_in() as node:
        shown = node.snooze(number, minutes, note)
    stderr.print(f"alert {number} is quiet until {shown.snoozed_until:%Y-%m-%d %H:%M} UTC")
