"""`tally breaks`: the legs that have no equal other half, and what the banks do about them."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from app.cli.shared.lazy import commands_of
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FacilityOption,
    JsonOption,
    LimitOption,
    PartnerOption,
    checked_facility,
    checked_member,
    reading,
    show,
    show_as_of,
    show_more,
    table,
)
from app.presentation.common import PageOut, as_of, money_of
from app.presentation.pairs import HalfOut, PairOut, pair_out
from app.readmodel.pairs import queries


class BreakType(StrEnum):
    """As `domain.matching.pairs.BreakType`: Typer takes no list of Literals."""

    amount = "amount"
    date = "date"
    amount_and_date = "amount_and_date"
    missing_at_partner = "missing_at_partner"
    missing_at_lead = "missing_at_lead"
    duplicate_at_lead = "duplicate_at_lead"
    duplicate_at_partner = "duplicate_at_partner"


_RESOLVING = ("propose", "accept", "dispute", "withdraw", "proposals")

breaks = typer.Typer(
    cls=commands_of(
        dict.fromkeys(_RESOLVING, "app.cli.breaks.resolve")
        | dict.fromkeys(("assign", "comment"), "app.cli.breaks.work")
        | {"suggest": "app.cli.breaks.suggest"}
    ),
    invoke_without_command=True,
)


@breaks.command("list")
@breaks.callback()
def list_(
    context: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    partner: PartnerOption = None,
    type_: Annotated[
        list[BreakType] | None, typer.Option("--type", help="May be given several times.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Part of the event reference.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those past their deadline.")] = (
        False
    ),
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Those that the two banks have resolved, instead.")
    ] = False,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List the breaks, newest first: unequal pairs, one-sided legs and duplicate legs.

    `tally breaks` alone does the same. A break is resolved by its two banks: one proposes, the
    other accepts. With --json the object is
    that of GET /v1/breaks, without its cursor.

    Example:

      tally breaks --config bank.toml --partner huarui --type amount --type date
    """
    if context.invoked_subcommand is not None:
        return
    with reading(config) as engine, engine.connect() as connection:
        where = queries.Filter(
            facility=checked_facility(connection, facility),
            partner=checked_member(connection, partner),
            types=type_ or (),
            text=text,
            overdue=True if overdue else None,
            resolved=resolved,
        )
        page = queries.breaks(connection, where, limit)
        money = money_of(connection)
        found = PageOut[PairOut](
            items=[pair_out(one, money) for one in page.items], next=None, as_of=as_of(connection)
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2, exclude={"next"}))
        return
    made = table(
        "number",
        "type",
        "partner",
        "kind",
        "event",
        numbers=(
            "lead",
            "partner",
            "difference",
            "lead date",
            "partner date",
            "first posted",
            "resolution",
        ),
    )
    for pair in found.items:
        made.add_row(*_row(pair))
    show(made)
    show_more(page.following, limit)
    show_as_of(found.as_of)


def _row(pair: PairOut) -> tuple[str | Text, ...]:
    def amount(half: HalfOut | None) -> str | Text:
        return half.amount if half else Text("-", "dim")

    def day(half: HalfOut | None) -> Text:
        return Text(half.value_date.isoformat() if half else "", "dim")

    posted = f"{pair.first_posted_at:%Y-%m-%d %H:%M}"
    return (
        Text(str(pair.number), "dim"),
        Text(pair.type.replace("_", " "), "yellow"),
        pair.partner,
        pair.kind.replace("_", " "),
        Text(f"#{pair.reference[:12]}", "dim") if pair.event_ref is None else pair.event_ref,
        amount(pair.lead_leg),
        amount(pair.partner_leg),
        Text(pair.difference or "", "bold"),
        day(pair.lead_leg),
        day(pair.partner_leg),
        Text(f"{posted} overdue" if pair.overdue else posted, "red" if pair.overdue else ""),
        _resolution(pair),
    )


def _resolution(pair: PairOut) -> Text:
    if pair.resolution is not None:
        return Text(pair.resolution.replace("_", " "), "green")
    if pair.proposal is not None:
        return Text(f"{pair.proposal.action.replace('_', ' ')} proposed", "cyan")
    return Text()
