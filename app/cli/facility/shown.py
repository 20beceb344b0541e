"""What the commands of `tally facility` show: a facility as this bank's node has read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from app.cli.shared.reading import reading
from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.presentation.facilities import (
    ChangeOut,
    FacilityHistoryOut,
    RulesVersionOut,
    SharesVersionOut,
    history_out,
)
from app.readmodel.directory import Directory, directory
from app.readmodel.facilities import agreed
from app.readmodel.facilities.agreed import AgreedFacility
from app.readmodel.facilities.history import FacilityHistory, facility_history

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The facility's id.")]


@dataclass(frozen=True, slots=True)
class Known:
    """A facility as this bank's node has read it."""

    agreed: AgreedFacility
    history: FacilityHistory
    names: Directory
    shown: FacilityHistoryOut

    @property
    def terms(self) -> Facility:
        return self.agreed.terms

    @property
    def number(self) -> int:
        return self.agreed.number


def known_facility(config: Path, id_: str) -> Known:
    with reading(config) as engine, engine.connect() as connection:
        found = agreed.known_facility(connection, id_)
        names = directory(connection)
        history = facility_history(connection, names, found.number)
        return Known(found, history, names, history_out(connection, found))


def find_change(known: Known, number: int) -> ChangeOut:
    for change in known.shown.changes:
        if change.number == number:
            return change
    raise UsageFault(
        f"facility {known.terms.id} has no change {number}, as far as this bank's node has read it",
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
