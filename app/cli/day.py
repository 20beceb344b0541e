"""`tally day`: closing the days of a reserve account, by both its banks."""

from datetime import date
from typing import Annotated, Any

import typer
from rich.text import Text

from app.actions import days
from app.actions.days import (
    ConfirmDay,
    ConfirmReopening,
    DisputeDay,
    ProposeDay,
    ProposeReopening,
    WaitingDay,
    WithdrawDay,
    WithdrawReopening,
    check_statement,
    day_to_answer,
    find_account,
    last_closed,
    own_statement,
)
from app.actions.sender import Done
from app.cli.shared.acting import acting, show_salt
from app.cli.shared.confirmation import YesOption
from app.cli.shared.confirmation import confirm as confirm_signing
from app.cli.shared.console import stderr, stdout
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FacilityName,
    FacilityOption,
    JsonOption,
    PartnerOption,
    checked_facility,
    checked_member,
    reading,
    show,
    show_as_of,
    table,
)
from app.domain.day_close import Statement
from app.domain.errors import UsageFault
from app.domain.money import format_amount
from app.domain.numbers import LARGEST_SMALL
from app.presentation.common import as_of, money_of
from app.presentation.days import DayClosesOut, day_close_out
from app.readmodel.days.queries import (
    carried_forward,
    day_record,
    day_records,
    stated_difference,
)

day = typer.Typer(
    help="Close the days of a reserve account: one bank states them, the other signs.",
    no_args_is_help=True,
)

_Partner = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Whose account; a partner's own where it is not given."),
]
_Reason = Annotated[
    str, typer.Option(metavar="TEXT", help="Why; its hash goes to the chain, the text does not.")
]
_OptionalReason = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why; needed where this bank proposes it."),
]
_Day = Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The business date.")]
_OptionalDay = Annotated[
    str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="To be sure which is meant.")
]


@day.command()
def propose(
    facility: FacilityName,
    on: _Day,
    partner: _Partner = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """State what this bank's own legs come to, through a day, and propose to close it.

    The statement is shown, and signed with the approver key. The contract takes it only where it
    equals the ledger's own sums and names every open leg.

    Example:

      tally day propose --facility WLD-2016-A --partner huarui --day 2026-03-02
    """
    with acting(config) as bank:
        account = find_account(bank.view, facility, partner)
        statement = own_statement(bank.view, account, _ordinal(on))
        _show(statement, account.decimals, account.currency)
        asked = ProposeDay(account, statement)
        done = days.propose(asked, bank.view, bank.day_close, bank.approver())
    _sent(f"proposed to close {on}", done)
    stderr.print(
        "The other bank answers with `tally day confirm` or `tally day dispute`", style="dim"
    )


@day.command()
def confirm(
    facility: FacilityName,
    partner: _Partner = None,
    on: _OptionalDay = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Sign the other bank's statement, which closes the day.

    The statement is shown, and is what is signed. Refused, with each difference by name, where this
    bank's own legs come to something else.

    Example:

      tally day confirm --facility WLD-2016-A --day 2026-03-02
    """
    with acting(config) as bank:
        account = find_account(bank.view, facility, partner)
        waiting = day_to_answer(bank.view, account, None if on is None else _ordinal(on))
        _show(waiting.statement, account.decimals, account.currency)
        check_statement(bank.view, account, waiting)
        confirm_signing(yes, f"Close {_date(waiting)}?")
        asked = ConfirmDay(account, waiting.statement_hash)
        done = days.confirm(asked, bank.view, bank.day_close, bank.approver())
    _sent(f"closed {_date(waiting)}", done)


@day.command()
def dispute(
    facility: FacilityName,
    reason: _Reason,
    partner: _Partner = None,
    on: _OptionalDay = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Refuse the other bank's statement, which ends its proposal.

    Example:

      tally day dispute --facility WLD-2016-A --reason "L4711 is missing on our side"
    """
    with acting(config) as bank:
        account = find_account(bank.view, facility, partner)
        waiting = day_to_answer(bank.view, account, None if on is None else _ordinal(on))
        _show(waiting.statement, account.decimals, account.currency)
        confirm_signing(yes, f"Dispute {_date(waiting)}?")
        asked = DisputeDay(account, waiting.statement_hash, reason)
        done = days.dispute(asked, bank.view, bank.day_close, bank.approver())
    _sent(f"disputed {_date(waiting)}", done)


@day.command()
def withdraw(
    facility: FacilityName,
    partner: _Partner = None,
    reopening: Annotated[
        bool, typer.Option("--reopening", help="This bank's reopening, not its statement.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take this bank's own proposal back.

    Example:

      tally day withdraw --facility WLD-2016-A --partner huarui
    """
    with acting(config) as bank:
        account = find_account(bank.view, facility, partner)
        parts = (bank.view, bank.day_close, bank.approver())
        if reopening:
            done = days.withdraw_reopening(WithdrawReopening(account), *parts)
            what, event = "reopening", done.event("ReopenWithdrawn")
        else:
            done = days.withdraw(WithdrawDay(account), *parts)
            what, event = "statement", done.event("DayWithdrawn")
    _sent(f"took the {what} of {_day_of(event)} back", done)


@day.command()
def reopen(
    facility: FacilityName,
    reason: _OptionalReason = None,
    partner: _Partner = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose to open the last closed day again, or confirm that the other bank proposed it.

    What is confirmed is shown, and is what is signed.

    Example:

      tally day reopen --facility WLD-2016-A --reason "a top-up was booked twice"
    """
    with acting(config) as bank:
        account = find_account(bank.view, facility, partner)
        last = last_closed(bank.view, account)
        on = date.fromordinal(last.day)
        parts = (bank.view, bank.day_close, bank.approver())
        if last.reopening_hash is not None and last.reopening_by != bank.view.bank:
            stderr.print(f"{last.reopening_by} proposes to open {on} of {account.subject}")
            confirm_signing(yes, f"Open {on} again?")
            confirmed = ConfirmReopening(account, last.day, last.reopening_hash)
            what, done = "opened", days.confirm_reopening(confirmed, *parts)
        elif reason is None:
            raise UsageFault(f"why open {on} again?", remedy="Give --reason")
        else:
            proposed = ProposeReopening(account, last.day, reason)
            what, done = "proposed to open", days.propose_reopening(proposed, *parts)
    _sent(f"{what} {on} again", done)


@day.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    partner: PartnerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List statements and what became of them. With --json as GET /v1/day-closes.

    Example:

      tally day list --config .tally/demo/banks/webank/bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        chosen = checked_facility(connection, facility)
        money = money_of(connection)
        found = DayClosesOut(
            items=[
                day_close_out(one, money)
                for one in day_records(connection, chosen, checked_member(connection, partner))
            ],
            as_of=as_of(connection),
        )
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    made = table(
        "no.", "facility", "partner", "day", "state", "by", numbers=("agreed", "open legs")
    )
    for one in found.items:
        state = (
            f"{one.state}, reopening proposed"
            if one.reopen_by and one.state == "closed"
            else (one.state)
        )
        made.add_row(
            str(one.number),
            one.facility,
            one.partner,
            f"{one.day}",
            Text(state, "yellow" if one.state == "proposed" else ""),
            one.proposed_by,
            one.closing.agreed,
            f"{one.open_legs:,}",
        )
    show(made)
    show_as_of(found.as_of)


@day.command("show")
def show_(
    number: Annotated[
        int, typer.Argument(min=1, max=LARGEST_SMALL, help="As `tally day list` has it.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show one statement, with the pairs that it carries forward by name.

    Example:

      tally day show 3 --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        record = day_record(connection, number)
        if record is None:
            raise UsageFault(
                f"there is no statement {number}", remedy="`tally day list` shows them"
            )
        money = money_of(connection)
        carried, stated = carried_forward(connection, record), stated_difference(connection, record)
        out = day_close_out(record, money, carried, stated)
        head = as_of(connection)
    if as_json:
        typer.echo(out.model_dump_json(indent=2))
        return
    currency, decimals = money[record.facility]
    stdout.print(
        f"{record.facility}, {record.partner}, {record.day}: {record.state}; proposed by "
        f"{record.proposed_by} in block {record.proposed_block:,}"
    )
    _show(record.statement, decimals, currency)
    if out.stated_parts_difference is not None:
        stdout.print(
            f"the lead's stated parts differ from the shares by {out.stated_parts_difference} "
            f"{currency} that day"
        )
    if out.carried_forward:
        made = table("pair", "kind", "event_ref", numbers=("lead", "partner"))
        for one in out.carried_forward:
            made.add_row(
                "-" if one.pair is None else f"{one.pair}",
                one.kind,
                one.event_ref or f"#{one.reference}",
                one.lead_amount or "-",
                one.partner_amount or "-",
            )
        show(made)
    show_as_of(head)


def _show(statement: Statement, decimals: int, currency: str) -> None:
    def money(minor: int) -> str:
        return format_amount(minor, decimals)

    made = table(currency, numbers=("lead book", "partner book", "agreed"))
    for name in ("opening", "movement", "closing"):
        sums = getattr(statement, name)
        made.add_row(name, money(sums.lead), money(sums.partner), money(sums.agreed))
    made.add_row("open legs", money(statement.open.lead), money(statement.open.partner), "")
    made.add_row("accepted", "", money(statement.open.accepted_difference), "")
    show(made)
    stdout.print(
        f"{statement.open.legs:,} open legs in {len(statement.open.names):,} pairs carried forward"
    )


def _sent(what: str, done: Done) -> None:
    stdout.print(f"{what}: {done.receipts[0].transaction}")
    show_salt(done)


def _date(waiting: WaitingDay) -> date:
    return date.fromordinal(waiting.statement.day)


def _day_of(event: dict[str, Any] | None) -> str:
    return "" if event is None else date.fromordinal(event["day"]).isoformat()


def _ordinal(given: str) -> int:
    try:
        return date.fromisoformat(given).toordinal()
    except ValueError:
        raise UsageFault(f"--day {given!r} is no date; give YYYY-MM-DD") from None
