"""`tally breaks suggest`: one-sided legs of the two sides that may be the same event."""

from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from app.cli.shared.console import print_json, stderr, stdout
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FacilityOption,
    JsonOption,
    PartnerOption,
    checked_facility,
    checked_member,
    show_as_of,
)
from app.cli.shared.unsealing import with_vault
from app.domain.errors import UsageFault
from app.domain.numbers import LARGEST
from app.outbox.loans import loan_refs
from app.presentation.common import as_of, money_of
from app.presentation.pairs import HalfOut, PairOut, SuggestionOut, suggestion_out
from app.readmodel.pairs.queries import pair
from app.readmodel.pairs.suggestions import suggestions, suggestions_for

_MOST_LEGS = 100_000


def suggest(
    number: Annotated[
        int | None,
        typer.Argument(min=1, max=LARGEST, help="Only for this break, as `tally breaks` has it."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    partner: PartnerOption = None,
    limit: Annotated[
        int, typer.Option(min=1, max=_MOST_LEGS, help="Most one-sided legs of the lead looked at.")
    ] = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Suggest which one-sided legs of the two sides are the same event, and say why.

    Compared are reference (also as it is written), amount, value date, kind, and the loans of this
    bank's own legs. Nothing is matched: people of both banks decide (`tally breaks propose`).

    Example:

      tally breaks suggest --config bank.toml --partner huarui
    """
    with with_vault(config) as (_, engine), engine.connect() as connection:
        loans = partial(loan_refs, connection)
        more = False
        if number is None:
            where = checked_facility(connection, facility)
            page = suggestions(connection, loans, where, checked_member(connection, partner), limit)
            made, more = page.items, page.following is not None
        else:
            one = pair(connection, number)
            if one is None:
                raise UsageFault(f"no break has the number {number}", remedy="See `tally breaks`")
            made = suggestions_for(connection, loans, one)
        money = money_of(connection)
        found = [suggestion_out(each, money) for each in made]
        read = as_of(connection)
    if as_json:
        items = [each.model_dump(mode="json") for each in found]
        print_json({"items": items})
        return
    for each in found:
        _print(each)
    if not found:
        stderr.print("nothing is suggested", style="dim")
    if more:
        stderr.print(f"the lead has more than {limit:,} one-sided legs: --limit", style="yellow")
    show_as_of(read)


def _print(found: SuggestionOut) -> None:
    stdout.print(
        Text(f"{found.score // 100}.{found.score % 100:02} %", "bold"),
        f"{found.lead.facility} {found.lead.partner}",
    )
    stdout.print(_line("lead", found.lead, found.lead.lead_leg))
    stdout.print(_line("partner", found.partner, found.partner.partner_leg))
    for factor in found.factors:
        points = f"{factor.points // 100}.{factor.points % 100:02} %"
        stdout.print(Text(f"    {factor.name:<10} {points:>9}  {factor.because}", "dim"))


def _line(side: str, pair: PairOut, leg: HalfOut | None) -> str:
    assert leg is not None
    return (
        f"  {side:<8} {pair.number} {pair.kind} {pair.event_ref!r} {leg.amount} "
        f"{pair.currency} {leg.value_date}"
    )
