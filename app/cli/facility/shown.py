"""What the commands of `tally facility` show: a facility as this bank's node has read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from app.cli.shared.reading import reading
from app.domain.errors import UsageFault
from app.presentation.facilities import (
    ChangeOut,
    FacilityHistoryOut,
    RulesVersionOut,
    SharesVersionOut,
    history_out,
)
from app.readmodel.facilities import agreed
from app.readmodel.facilities.agreed import AgreedFacility

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The facility's id.")]


@dataclass(frozen=True, slots=True)
class Known:
    """A facility as this bank's node has read it."""

    agreed: AgreedFacility
    shown: FacilityHistoryOut


def known_facility(config: Path, id_: str) -> Known:
    with reading(config) as engine, engine.connect() as connection:
        found = agreed.known_facility(connection, id_)
        return Known(found, history_out(connection, found))


def find_change(known: Known, number: int) -> ChangeOut:
    for change in known.shown.changes:
        if change.number == number:
            return change
    raise UsageFault(
        f"facility {known.shown.id} has no change {number}, as far as this bank's node has read it",
        remedy="`tally facility history` lists them",
    )


def state_text(state: str) -> Text:
    colours = {"active": "green", "in_force": "green", "open": "yellow", "paused": "yellow"}
    return Text(state.replace("_", " "), colours.get(state, "dim"))


def shares_line(version: SharesVersionOut) -> str:
    each = ", ".join(
        f"{name} {one.principal}/{one.interest}/{one.fee}"
        for name, one in version.share_bps.items()
    )
    return f"{each} (principal/interest/fee in basis points), {_from(version)}"


def rules_line(version: RulesVersionOut) -> str:
    return (
        f"tolerance {version.amount_tolerance}, window {version.date_window_days} days, deadline "
        f"{version.match_deadline_hours:g} h, cut-off {version.cut_off}, {_from(version)}"
    )


def change_line(change: ChangeOut) -> str:
    if change.shares is not None:
        return f"shares: {shares_line(change.shares)}"
    return f"rules: {rules_line(change.rules)}" if change.rules is not None else "close"


def _from(version: SharesVersionOut | RulesVersionOut) -> str:
    day = version.effective_from
    return "from the beginning" if day is None else f"from {day.isoformat()}"
