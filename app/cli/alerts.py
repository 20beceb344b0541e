"""`tally alerts`: what somebody of the bank should look at now."""

from typing import Annotated

import typer

from app.alerts.store import acknowledge, listed_alerts, logs_of
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption, JsonOption, reading, show, table
from app.presentation.alerts import alert_out

_MOST = 1_000

alerts = typer.Typer(help="What somebody should look at now.", no_args_is_help=True)


@alerts.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the alerts, the newest first.

    Example:

      tally alerts list --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        found = listed_alerts(connection, status="all" if ended else "open", limit=_MOST)
        logs = logs_of(connection, [one.number for one in found])
    items = [alert_out(one, logs[one.number]) for one in found]
    if as_json:
        stdout.print_json(data={"items": [one.model_dump(mode="json") for one in items]})
        return
    made = table("alert", "about", "state", "raised", "what is the matter", numbers=())
    for one in items:
        state = "ended" if one.ended_at else "acknowledged" if one.acknowledged_at else "waiting"
        raised = f"{one.raised_at:%Y-%m-%d %H:%M}"
        made.add_row(f"{one.number} {one.title}", one.subject, state, raised, one.text)
    show(made)


@alerts.command("acknowledge")
def acknowledge_(
    number: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="An alert's number.")],
    config: ConfigOption = DEFAULT_CONFIG,
    note: Annotated[str, typer.Option(help="What you do about it; it is kept.")] = "",
) -> None:
    """Say that you look after an alert: it is not escalated.

    Example:

      tally alerts acknowledge 12 --note "a top-up is ordered" --config bank.toml
    """
    with reading(config) as engine, engine.begin() as connection:
        acknowledge(connection, number, note)
    stderr.print(f"alert {number} acknowledged", highlight=False)
