"""`tally breaks propose|accept|dispute|withdraw|proposals`: breaks resolved by their two banks."""

from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from app.actions import breaks as actions
from app.actions.breaks import (
    AcceptResolution,
    BreakName,
    DisputeResolution,
    ProposeResolution,
    WithdrawResolution,
    find_break,
    other_bank,
    waiting_resolution,
)
from app.actions.view import View
from app.cli.shared.acting import acting, show_transactions
from app.cli.shared.confirmation import YesOption, confirm
from app.cli.shared.console import stderr
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
from app.domain.numbers import LARGEST
from app.domain.resolutions import Action, Side
from app.presentation.common import PageOut, as_of, money_of
from app.presentation.pairs import ResolutionOut, action_text, pair_out, resolution_out
from app.readmodel.pairs import resolutions as read
from app.readmodel.pairs.shapes import Pair

_Number = Annotated[
    int | None,
    typer.Argument(min=1, max=LARGEST, help="The break's number, as `tally breaks` lists it."),
]
_Partner = Annotated[str | None, typer.Option(help="Or: the partner's name,")]
_Kind = Annotated[str | None, typer.Option(help="the kind,")]
_EventRef = Annotated[str | None, typer.Option(metavar="REF", help="and the event's reference.")]


def propose(
    action: Annotated[
        Action,
        typer.Option(
            help="adjust: one side is corrected to the other. write_off: the difference is "
            "accepted; of a one-sided leg, the absent half is posted. force: the lead's amount "
            "stands. void: all is taken back."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why; the other bank and the auditors read it.")],
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    side: Annotated[
        Side | None, typer.Option(help="With adjust: whose book moves to the other's amount.")
    ] = None,
    business_date: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="On which books move; today in the facility's time zone.",
        ),
    ] = None,
    facility: FacilityOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose to the other bank how to resolve a break, signed by this bank's approver.

    Example:

      tally breaks propose 17 --action adjust --side lead --reason "we booked the fee twice"
    """
    with acting(config) as bank:
        pair = find_break(bank.view, BreakName(number, partner, kind, event_ref, facility))
        day = None if business_date is None else business_date.date().toordinal()
        asked = ProposeResolution(pair.number, action, side, day, reason)
        done = actions.propose(asked, bank.view, bank.reconciliation, bank.approver())
        other = other_bank(bank.view, pair)
    show_transactions(done)
    stderr.print(f"once it is read, {other} sees it with `tally breaks proposals`", style="dim")


def accept(
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    facility: FacilityOption = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Accept what the other bank has proposed for a break, signed by this bank's approver.

    The break and what is proposed are shown, and are what is signed: the contract refuses if it has
    something else.

    Example:

      tally breaks accept --partner huarui --kind top_up --event-ref TU-2016-031
    """
    with acting(config) as bank:
        pair = find_break(bank.view, BreakName(number, partner, kind, event_ref, facility))
        asked = AcceptResolution(pair.number, waiting_resolution(bank.view, pair))
        _show_proposed(bank.view, pair)
        confirm(yes, "Accept it?")
        done = actions.accept(asked, bank.view, bank.reconciliation, bank.approver())
    show_transactions(done)


def dispute(
    reason: Annotated[str, typer.Option(help="Why not; the other bank and the auditors read it.")],
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    facility: FacilityOption = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Dispute what the other bank has proposed, which ends the proposal; the break stays.

    It is shown as with `tally breaks accept`.

    Example:

      tally breaks dispute 17 --reason "our advice of 3 March says 110.00"
    """
    with acting(config) as bank:
        pair = find_break(bank.view, BreakName(number, partner, kind, event_ref, facility))
        asked = DisputeResolution(pair.number, waiting_resolution(bank.view, pair), reason)
        _show_proposed(bank.view, pair)
        confirm(yes, "Dispute it?")
        done = actions.dispute(asked, bank.view, bank.reconciliation, bank.approver())
    show_transactions(done)


def withdraw(
    number: _Number = None,
    partner: _Partner = None,
    kind: _Kind = None,
    event_ref: _EventRef = None,
    facility: FacilityOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take this bank's own proposal for a break back.

    Example:

      tally breaks withdraw 17
    """
    with acting(config) as bank:
        pair = find_break(bank.view, BreakName(number, partner, kind, event_ref, facility))
        asked = WithdrawResolution(pair.number, waiting_resolution(bank.view, pair))
        done = actions.withdraw(asked, bank.view, bank.reconciliation, bank.approver())
    show_transactions(done)


def proposals(
    facility: FacilityOption = None,
    partner: PartnerOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that were decided too, not only what waits.")
    ] = False,
    limit: LimitOption = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List what was proposed, newest first. With --json the object is that of GET /v1/resolutions.

    Example:

      tally breaks proposals --all --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        where = read.ResolutionFilter(
            facility=checked_facility(connection, facility),
            partner=checked_member(connection, partner),
            statuses=() if everything else ("proposed",),
        )
        page = read.resolutions(connection, where, limit)
        money = money_of(connection)
        found = PageOut[ResolutionOut](
            items=[resolution_out(one, money) for one in page.items],
            next=None,
            as_of=as_of(connection),
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2, exclude={"next"}))
        return
    made = table("break", "partner", "kind", "event", "action", "by", "status", "reason")
    for one in found.items:
        made.add_row(
            Text(str(one.pair), "dim"),
            one.partner,
            one.kind.replace("_", " "),
            one.event_ref or f"#{one.reference[:12]}",
            Text(action_text(one.action, one.side), "cyan"),
            one.proposed_by,
            one.status,
            one.dispute_reason or one.reason or "(sealed for others)",
        )
    show(made)
    show_more(page.following, limit)
    show_as_of(found.as_of)


def _show_proposed(view: View, pair: Pair) -> None:
    """The break and what waits for it, before it is answered."""
    with view.engine.connect() as connection:
        shown = pair_out(pair, money_of(connection))
    one = shown.proposal
    assert one is not None, "who answers a proposal has found it"
    event = one.event_ref or f"#{one.reference[:12]}"
    stderr.print(
        f"break {one.pair}, {shown.type.replace('_', ' ')}: {one.facility}, {one.partner}, "
        f"{one.kind.replace('_', ' ')} {event}" + (f" of {one.target}" if one.target else "")
    )
    for name, half in (("lead", shown.lead_leg), ("partner", shown.partner_leg)):
        what = "no leg" if half is None else f"{half.amount} {one.currency} on {half.value_date}"
        stderr.print(f"  {name}: {what}")
    stderr.print(Text(f"  {one.proposed_by} proposes: {action_text(one.action, one.side)}", "cyan"))
    stderr.print(f"  effect: {_effect(pair, one)}")
    stderr.print(f"  books move on {one.business_date}, where they move")
    stderr.print(f"  reason: {one.reason or '(sealed for others, or not what was signed)'}")


def _effect(pair: Pair, one: ResolutionOut) -> str:
    if one.action == Action.ADJUST:
        return f"the {one.side}'s book is corrected to the other's amount"
    if one.action == Action.VOID:
        return "what either bank posted for it is taken back"
    if one.action == Action.WRITE_OFF and (pair.lead is None or pair.partner_half is None):
        return f"the absent half is posted for the {'lead' if pair.lead is None else 'partner'}"
    return "the lead's amount is agreed, the difference accepted; no book moves"
