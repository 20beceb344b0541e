"""`tally facility`: what the parties of a facility have agreed, and how they change it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from app.api.facility_shapes import history_out
from app.api.models import (
    ChangeOut,
    FacilitiesOut,
    FacilityHistoryOut,
    RulesVersionOut,
    SharesVersionOut,
)
from app.api.shapes import as_of, facility_out
from app.chain.facility_desk import FacilityDesk
from app.chain.signer import Done
from app.cli.acting import acting, show_done
from app.cli.console import stderr, stdout
from app.cli.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    reading,
    show,
    show_as_of,
    table,
)
from app.config import load_config
from app.domain.errors import UsageFault
from app.domain.facility import Facility, Shares
from app.domain.money import AmountError, parse_bound
from app.readmodel.directory import Directory, directory
from app.readmodel.facilities import AgreedFacility, agreed_facilities, agreed_facility
from app.readmodel.facility_history import FacilityHistory, facility_history
from app.services.facility_changes import RulesContent, next_shares, parse_share

facility = typer.Typer(
    help="Facilities: what their parties have agreed, and how they change it.",
    no_args_is_help=True,
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The facility's id.")]
ReasonOption = Annotated[
    str, typer.Option(help="Why, in words; the chain keeps the hash of them.", show_default=False)
]
ChangeOption = Annotated[
    int,
    typer.Option("--change", min=1, help="The change's number, as `tally facility show` has it."),
]
FromOption = Annotated[
    datetime,
    typer.Option(
        "--from",
        formats=["%Y-%m-%d"],
        help="The first day it applies to: more than 30 days after the chain's.",
    ),
]


@dataclass(frozen=True, slots=True)
class _Known:
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


@facility.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the facilities on the chain, withdrawn ones too.

    Example:

      tally facility list --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        found = FacilitiesOut(items=[facility_out(one) for one in agreed_facilities(connection)])
        read_to = as_of(connection)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    made = table("facility", "state", "lead", "partners", "currency")
    for one in found.items:
        made.add_row(
            Text(one.id),
            _state(one.state),
            Text(one.lead),
            Text(", ".join(partner.name for partner in one.partners)),
            Text(one.currency),
        )
    show(made)
    show_as_of(read_to)


@facility.command("show")
def show_(
    id_: IdArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """Show a facility: its versions of shares and rules, what is proposed and who is waited for.

    Example:

      tally facility show WLD-2016-A --config bank.toml
    """
    known = _known(config, id_).shown
    if as_json:
        typer.echo(known.model_dump_json(indent=2))
        return
    _say(Text.assemble((known.id, "bold"), "  ", _state(known.state)))
    _say(Text(f"lead {known.lead}, {known.currency}, {known.time_zone}"))
    if known.waiting_for and known.state == "proposed":
        _say(Text(f"waits for the acceptance of {', '.join(known.waiting_for)}", "yellow"))
    if known.paused_by:
        _say(Text(f"paused by {', '.join(known.paused_by)}", "yellow"))
    bounds = known.bounds
    if bounds.least_lead_share_bps or bounds.largest_partner_share_bps:
        _say(
            f"bounds: the lead at least {bounds.least_lead_share_bps}, a partner at most "
            f"{bounds.largest_partner_share_bps or 10000} basis points"
        )
    for shares in known.share_versions:
        _say(Text(f"shares {shares.version}: {_shares_line(shares)}"))
    for rules in known.rule_versions:
        _say(Text(f"rules {rules.version}: {_rules_line(rules)}"))
    for change in known.changes:
        if change.state == "open":
            _say(Text(f"change {change.number}: {_change_line(change)}", "yellow"))
            _say(
                Text(
                    f"  by {change.proposer}, until {change.expires_at:%Y-%m-%d %H:%M} UTC; "
                    f"accepted by {', '.join(change.accepted_by)}; "
                    f"waits for {', '.join(change.waits_for)}"
                )
            )
    show_as_of(known.as_of)


@facility.command()
def history(
    id_: IdArgument, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """List all changes and pauses of a facility, oldest first.

    Example:

      tally facility history WLD-2016-A --config bank.toml
    """
    known = _known(config, id_).shown
    if as_json:
        typer.echo(known.model_dump_json(indent=2, include={"id", "changes", "pauses", "as_of"}))
        return
    made = table("change", "state", "proposed", "by", "decided", "what", "accepted by")
    for change in known.changes:
        made.add_row(
            Text(str(change.number)),
            _state(change.state),
            Text(f"{change.proposed_at:%Y-%m-%d %H:%M}"),
            Text(change.proposer),
            Text(f"{change.decided_at:%Y-%m-%d %H:%M}" if change.decided_at else "-"),
            Text(_change_line(change)),
            Text(", ".join(change.accepted_by)),
        )
    show(made)
    for pause in known.pauses:
        until = f"{pause.resumed_at:%Y-%m-%d %H:%M}" if pause.resumed_at else "now"
        _say(Text(f"paused by {pause.member}: {pause.paused_at:%Y-%m-%d %H:%M} to {until}"))
    show_as_of(known.as_of)


@facility.command("propose-shares")
def propose_shares(
    id_: IdArgument,
    first_day: FromOption,
    share: Annotated[
        list[str],
        typer.Option(
            help="NAME=BPS, or NAME=PRINCIPAL/INTEREST/FEE; may be repeated. Who is not named "
            "keeps what it has."
        ),
    ],
    reason: ReasonOption,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a version of the shares; it takes effect once every party has accepted it.

    Example:

      tally facility propose-shares WLD-2016-A --from 2027-01-01 --share huarui=7000/7000/0
      --reason "the annual review" --config bank.toml
    """
    known = _known(config, id_)
    names = [partner.name for partner in known.terms.partners]
    newest = known.history.shares[-1].shares
    shares = next_shares(names, newest, dict(parse_share(one) for one in share))
    with _desk(config) as desk:
        sent = desk.propose_shares(
            known.number, first_day.toordinal(), [_triple(one) for one in shares], reason
        )
    _tell(f"a version of the shares of {id_} is proposed, from {first_day:%Y-%m-%d}", sent, id_)


@facility.command("propose-rules")
def propose_rules(
    id_: IdArgument,
    first_day: FromOption,
    reason: ReasonOption,
    tolerance: Annotated[str | None, typer.Option(help="Currency units, like 0.05.")] = None,
    window_days: Annotated[int | None, typer.Option(min=0, max=65_535)] = None,
    deadline_hours: Annotated[int | None, typer.Option(min=0, max=1_193_046)] = None,
    cut_off: Annotated[
        datetime | None, typer.Option(formats=["%H:%M:%S"], help="Local time, like 18:00:00.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a version of the rules; what is not named stays as it is.

    Example:

      tally facility propose-rules WLD-2016-A --from 2027-01-01 --tolerance 0.05
      --reason "rounding of the new core" --config bank.toml
    """
    known = _known(config, id_)
    newest = known.history.rules[-1]
    now = RulesContent(
        newest.amount_tolerance,
        newest.date_window_days,
        newest.match_deadline_seconds,
        newest.cut_off,
    )
    rules = RulesContent(
        now.amount_tolerance if tolerance is None else _tolerance(tolerance, known.terms.decimals),
        now.date_window_days if window_days is None else window_days,
        now.match_deadline_seconds if deadline_hours is None else deadline_hours * 3600,
        now.cut_off if cut_off is None else time(cut_off.hour, cut_off.minute, cut_off.second),
    )
    if rules == now:
        raise UsageFault("nothing would change", remedy="Name what changes, like --tolerance 0.05")
    words = (
        first_day.toordinal(),
        rules.amount_tolerance,
        rules.date_window_days,
        rules.match_deadline_seconds,
        rules.cut_off_seconds,
    )
    with _desk(config) as desk:
        sent = desk.propose_rules(known.number, words, reason)
    _tell(f"a version of the rules of {id_} is proposed, from {first_day:%Y-%m-%d}", sent, id_)


@facility.command("propose-close")
def propose_close(
    id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Propose to close a facility for ever; it takes effect when all have accepted, at zero open
    legs and holds.

    Example:

      tally facility propose-close WLD-2016-A --reason "fully repaid" --config bank.toml
    """
    known = _known(config, id_)
    with _desk(config) as desk:
        sent = desk.propose_close(known.number, reason)
    _tell(f"the close of {id_} is proposed", sent, id_)


@facility.command()
def accept(
    id_: IdArgument,
    change: Annotated[
        int | None, typer.Option(min=1, help="A change's number; without it, the facility itself.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept what is shown without asking.")] = (
        False
    ),
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Accept a change of a facility, or as a partner a facility that is proposed.

    What is shown is what is signed: the contract refuses if it has something else.

    Example:

      tally facility accept WLD-2016-A --change 3 --config bank.toml
    """
    known = _known(config, id_)
    if change is None:
        _note(Text(f"facility {id_} of {known.terms.lead}:"))
        _note(Text(f"  shares: {_shares_line(known.shown.share_versions[0])}"))
        _note(Text(f"  rules: {_rules_line(known.shown.rule_versions[0])}"))
        _confirm(yes)
        with _desk(config) as desk:
            sent = desk.accept_terms(known.number)
        _tell(f"facility {id_} is accepted", sent, id_)
        return
    shown = _change(known, change)
    _note(Text(f"change {change} of {id_}, by {shown.proposer}: {_change_line(shown)}"))
    _confirm(yes)
    with _desk(config) as desk:
        sent = desk.accept(known.number, change, bytes.fromhex(shown.hash[2:]))
    _tell(f"change {change} of {id_} is accepted", sent, id_)


@facility.command()
def enact(id_: IdArgument, change: ChangeOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Bring a change into force that only waits for a party that has been evicted.

    Example:

      tally facility enact WLD-2016-A --change 3 --config bank.toml
    """
    known = _known(config, id_)
    with _desk(config) as desk:
        sent = desk.enact(known.number, change)
    _tell(f"change {change} of {id_} is in force", sent, id_)


@facility.command()
def withdraw(
    id_: IdArgument,
    change: Annotated[
        int | None,
        typer.Option(min=1, help="This bank's own change; without it, the facility itself."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take back this bank's own change, or as the lead a facility that is only proposed.

    Example:

      tally facility withdraw WLD-2016-A --change 3 --config bank.toml
    """
    known = _known(config, id_)
    with _desk(config) as desk:
        if change is None:
            sent, what = desk.withdraw_terms(known.number), f"facility {id_}"
        else:
            sent, what = desk.withdraw(known.number, change), f"change {change} of {id_}"
    _tell(f"{what} is withdrawn", sent, id_)


@facility.command()
def decline(id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Decline, as a partner, a facility that is only proposed.

    Example:

      tally facility decline WLD-2016-A --reason "not these shares" --config bank.toml
    """
    known = _known(config, id_)
    with _desk(config) as desk:
        sent = desk.decline_terms(known.number, reason)
    _tell(f"facility {id_} is declined", sent, id_)


@facility.command()
def pause(id_: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Stop the posting for a facility, until this bank resumes.

    Example:

      tally facility pause WLD-2016-A --reason "figures look wrong" --config bank.toml
    """
    known = _known(config, id_)
    with _desk(config) as desk:
        sent = desk.pause(known.number, reason)
    _tell(f"posting for {id_} is stopped", sent, id_)


@facility.command()
def resume(
    id_: IdArgument,
    of: Annotated[
        str | None,
        typer.Option(help="Whose pause; this bank's own, or that of one that is no active bank."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Lift a pause; posting goes on when no other party's is left.

    Example:

      tally facility resume WLD-2016-A --config bank.toml
    """
    known = _known(config, id_)
    name = of or load_config(config).name
    pauser = known.names.member(name)
    if pauser is None:
        raise UsageFault(
            f"{name!r} is no member of this consortium",
            where="--of",
            remedy=f"The parties of {id_} are {', '.join(known.terms.banks)}",
        )
    with _desk(config) as desk:
        sent = desk.resume(known.number, pauser.number)
    _tell(f"the pause of {name} for {id_} is lifted", sent, id_)


def _known(config: Path, id_: str) -> _Known:
    with reading(config) as engine, engine.connect() as connection:
        agreed = agreed_facility(connection, id_)
        names = directory(connection)
        if agreed is None:
            known = ", ".join(one.id for one in names.facilities.values()) or "none yet"
            raise UsageFault(
                f"facility {id_!r} is not on this chain, as far as this bank's node has read it",
                remedy=f"Its facilities: {known}",
            )
        history = facility_history(connection, names, agreed.number)
        return _Known(agreed, history, names, history_out(connection, agreed))


@contextmanager
def _desk(config: Path) -> Iterator[FacilityDesk]:
    with acting(config) as chain:
        yield chain.facility_desk()


def _change(known: _Known, number: int) -> ChangeOut:
    for change in known.shown.changes:
        if change.number == number:
            return change
    raise UsageFault(
        f"facility {known.terms.id} has no change {number}, as far as this bank's node has read it",
        remedy="`tally facility history` lists them",
    )


def _confirm(yes: bool) -> None:
    if not yes and not typer.confirm("Accept it?", err=True):
        raise typer.Exit(1)


def _tolerance(text: str, decimals: int) -> int:
    try:
        return parse_bound(text, decimals)
    except AmountError as error:
        raise UsageFault(
            f"{text!r} {error}", where="--tolerance", remedy="Write currency units, like 0.05"
        ) from None


def _say(line: Text | str) -> None:
    # A line of values is not cut to a terminal's width where it goes to a file.
    stdout.print(line, soft_wrap=True)


def _note(line: Text) -> None:
    stderr.print(line, soft_wrap=True)


def _tell(what: str, sent: Done, id_: str) -> None:
    made = sent.told("ChangeProposed")
    _note(Text(what if made is None else f"{what}: change {made['change']}"))
    show_done(sent, f"tally facility show {id_}")


def _triple(shares: Shares) -> tuple[int, int, int]:
    return shares.principal, shares.interest, shares.fee


def _state(state: str) -> Text:
    colours = {"active": "green", "in_force": "green", "open": "yellow", "paused": "yellow"}
    return Text(state.replace("_", " "), colours.get(state, "dim"))


def _from(version: SharesVersionOut | RulesVersionOut) -> str:
    day = version.effective_from
    return "from the beginning" if day is None else f"from {day.isoformat()}"


def _shares_line(version: SharesVersionOut) -> str:
    each = ", ".join(
        f"{name} {one.principal}/{one.interest}/{one.fee}"
        for name, one in version.share_bps.items()
    )
    return f"{each} (principal/interest/fee in basis points), {_from(version)}"


def _rules_line(version: RulesVersionOut) -> str:
    return (
        f"tolerance {version.amount_tolerance}, window {version.date_window_days} days, deadline "
        f"{version.match_deadline_hours:g} h, cut-off {version.cut_off}, {_from(version)}"
    )


def _change_line(change: ChangeOut) -> str:
    if change.shares is not None:
        return f"shares: {_shares_line(change.shares)}"
    return f"rules: {_rules_line(change.rules)}" if change.rules is not None else "close"
