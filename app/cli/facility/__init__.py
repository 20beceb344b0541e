"""`tally facility`: what the parties of a facility have agreed, and how they change it."""

import typer
from rich.text import Text

from app.cli.facility.shown import (
    IdArgument,
    change_line,
    known_facility,
    rules_line,
    shares_line,
    state_text,
)
from app.cli.shared.console import stdout
from app.cli.shared.lazy import commands_of
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    reading,
    show,
    show_as_of,
    table,
)
from app.presentation.common import as_of
from app.presentation.facilities import FacilitiesOut, facility_out
from app.readmodel.facilities.agreed import agreed_facilities

_ACTING = (
    *("propose", "propose-shares", "propose-rules", "propose-close"),
    *("accept", "enact", "decline", "withdraw", "pause", "resume"),
)

facility = typer.Typer(
    cls=commands_of(dict.fromkeys(_ACTING, "app.cli.facility.acting")),
    help="Facilities: what their parties have agreed, and how they change it.",
    no_args_is_help=True,
)


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
            one.id,
            state_text(one.state),
            one.lead,
            ", ".join(partner.name for partner in one.partners),
            one.currency,
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
    known = known_facility(config, id_).shown
    if as_json:
        typer.echo(known.model_dump_json(indent=2))
        return
    _say(Text.assemble((known.id, "bold"), "  ", state_text(known.state)))
    _say(f"lead {known.lead}, {known.currency}, {known.time_zone}")
    splits = "the lead splits events" if known.split == "lead" else "the contract splits events"
    _say(f"{splits}; no date before {known.first_day.isoformat()}")
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
        _say(f"shares {shares.version}: {shares_line(shares)}")
    for rules in known.rule_versions:
        _say(f"rules {rules.version}: {rules_line(rules)}")
    for change in known.changes:
        if change.state == "open":
            _say(Text(f"change {change.number}: {change_line(change)}", "yellow"))
            _say(
                f"  by {change.proposer}, until {change.expires_at:%Y-%m-%d %H:%M} UTC; "
                f"accepted by {', '.join(change.accepted_by)}; "
                f"waits for {', '.join(change.waits_for)}"
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
    known = known_facility(config, id_).shown
    if as_json:
        typer.echo(known.model_dump_json(indent=2, include={"id", "changes", "pauses", "as_of"}))
        return
    made = table("change", "state", "proposed", "by", "decided", "what", "accepted by")
    for change in known.changes:
        made.add_row(
            str(change.number),
            state_text(change.state),
            f"{change.proposed_at:%Y-%m-%d %H:%M}",
            change.proposer,
            f"{change.decided_at:%Y-%m-%d %H:%M}" if change.decided_at else "-",
            change_line(change),
            ", ".join(change.accepted_by),
        )
    show(made)
    for pause in known.pauses:
        until = f"{pause.resumed_at:%Y-%m-%d %H:%M}" if pause.resumed_at else "now"
        _say(f"paused by {pause.member}: {pause.paused_at:%Y-%m-%d %H:%M} to {until}")
    show_as_of(known.as_of)


def _say(line: Text | str) -> None:
    # A line of values is not cut to a terminal's width where it goes to a file.
    stdout.print(line, soft_wrap=True)
