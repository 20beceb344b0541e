"""`tally hold`: parts of the partners' reserves reserved before a drawdown is paid out."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.text import Text

from app.actions import holds
from app.actions.holds import PlaceHolds, ReleaseHolds, drawdown_ref, held
from app.actions.sender import Done
from app.cli.shared.acting import acting
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FacilityName,
    FacilityOption,
    JsonOption,
    checked_facility,
    reading,
    show,
    show_as_of,
    table,
)
from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.domain.money import format_amount
from app.presentation.accounts import HoldsOut, hold_out
from app.presentation.common import as_of, money_of
from app.readmodel.accounts.holds import holds as holds_of

_HOUR_S = 3_600
_MOST_HOURS = 30 * 24

hold = typer.Typer(
    help="Set parts of the partners' reserves aside before a drawdown is paid out (lead only).",
    no_args_is_help=True,
)

_EventRef = Annotated[
    str, typer.Option(metavar="REF", help="The drawdown's event_ref, as the feeds will name it.")
]


@hold.command()
def place(
    facility: FacilityName,
    event_ref: _EventRef,
    amount: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT",
            help="The whole drawdown, in the facility's currency; where the lead splits by "
            "itself, the partner's part.",
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    shares_on: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Whose shares split it; else today's.")
    ] = None,
    hours: Annotated[
        int,
        typer.Option(min=1, max=_MOST_HOURS, help="How long; then anybody may release it."),
    ] = 24,
    partner: Annotated[
        str | None,
        typer.Option(help="Whose part it is; only where the lead splits by itself."),
    ] = None,
) -> None:
    """Hold each partner's part of a drawdown, signed with the lead's operator key.

    Nothing is held where one partner's part is above what is available. A hold ends with its
    drawdown's match; the lead's node releases it when its time is over.

    Example:

      tally hold place --facility WLD-2016-A --event-ref L4711 --amount 10000.00
    """
    with acting(config) as bank:
        ref = drawdown_ref(bank.view, facility, event_ref)
        expires_at = int(time.time()) + hours * _HOUR_S
        asked = PlaceHolds(facility, ref, amount, _day(shares_on), expires_at, partner)
        done = holds.place(asked, bank.view, bank.ledger, bank.operator())
        terms = bank.view.facility(facility).terms
    made = table("partner", "transaction", numbers=("held",))
    for name, amount_, transaction in _parts(done, terms):
        made.add_row(name, transaction, amount_)
    show(made)
    stderr.print("`tally hold list` shows them once the node has read the block", style="dim")


@hold.command()
def release(
    facility: FacilityName,
    event_ref: _EventRef,
    config: ConfigOption = DEFAULT_CONFIG,
    partner: Annotated[
        str | None, typer.Option(help="Only this partner's; else all of the drawdown's.")
    ] = None,
) -> None:
    """Release the holds of a drawdown, signed with this bank's operator key.

    The lead may at any time; any other member once they have expired.

    Example:

      tally hold release --facility WLD-2016-A --event-ref L4711
    """
    with acting(config) as bank:
        ref = drawdown_ref(bank.view, facility, event_ref)
        asked = ReleaseHolds(held(bank.view, facility, ref, partner))
        if not asked.holds:
            raise UsageFault(
                f"nothing is held for {event_ref!r} of {facility}",
                remedy="`tally hold list` shows what is, as the node has read it",
            )
        done = holds.release(asked, bank.view, bank.ledger, bank.operator())
        terms = bank.view.facility(facility).terms
    for name, amount, transaction in _parts(done, terms):
        stdout.print(f"{name}: {amount} released, {transaction}")


@hold.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    every: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is held. With --json the object is that of GET /v1/holds.

    Example:

      tally hold list --config .tally/demo/banks/webank/bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        chosen = checked_facility(connection, facility)
        money = money_of(connection)
        state = None if every else "active"
        found = HoldsOut(
            items=[hold_out(one, money) for one in holds_of(connection, chosen, state=state)],
            as_of=as_of(connection),
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    made = table("facility", "partner", "drawdown", "state", "until", numbers=("held",))
    for one in found.items:
        style = "yellow" if one.overdue else "" if one.state == "active" else "dim"
        made.add_row(
            one.facility,
            one.partner,
            one.event_ref or f"#{one.reference}",
            Text("expired" if one.overdue else one.state, style),
            f"{one.expires_at:%Y-%m-%d %H:%M}",
            one.amount,
        )
    show(made)
    show_as_of(found.as_of)


def _parts(done: Done, terms: Facility) -> Iterator[tuple[str, str, str]]:
    """Of each partner: its name, its amount, and the transaction."""
    for event in done.events:
        partner = terms.partners[event.arguments["partner"] - 1]
        amount = format_amount(event.arguments["amount"], terms.decimals)
        yield partner.name, amount, event.tx_hash


def _day(given: str | None) -> int:
    try:
        day = datetime.now(UTC).date() if given is None else date.fromisoformat(given)
    except ValueError:
        raise UsageFault(f"--shares-on {given!r} is no date; give YYYY-MM-DD") from None
    return day.toordinal()
