"""`tally day`: closing the days of a reserve account, by both its banks."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from app.actions import day_closing
from app.actions.desks import AccountDays, ApproverDesk
from app.cli.console import stderr, stdout
from app.cli.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
    FacilityOption,
    JsonOption,
    checked_facility,
    reading,
    show,
    show_as_of,
    table,
)
from app.config import load_config
from app.domain.day_close import Statement
from app.domain.errors import UsageFault
from app.domain.money import format_amount
from app.node.bank import Bank
from app.presentation.models import DayClosesOut
from app.presentation.reserve_shapes import day_close_out
from app.presentation.shapes import as_of, money_of
from app.readmodel import reserves

day = typer.Typer(
    help="Close the days of a reserve account: one bank states them, the other signs.",
    no_args_is_help=True,
)

_FacilityName = Annotated[str, typer.Option("--facility", metavar="ID", help="A facility's id.")]
_Partner = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Whose account; a partner's own where it is not given."),
]
_Reason = Annotated[
    str, typer.Option(metavar="TEXT", help="Why; its hash goes to the chain, the text does not.")
]
_Day = Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="The business date.")]
_OptionalDay = Annotated[
    str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="To be sure which is meant.")
]


@day.command()
def propose(
    facility: _FacilityName,
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
    with _account(config, facility, partner) as (days, desk):
        statement = days.statement(_ordinal(on))
        _show(statement, days.decimals, days.currency)
        _sent(f"proposed to close {on}", desk.propose(statement))
        stderr.print(
            "The other bank answers with `tally day confirm` or `tally day dispute`", style="dim"
        )


@day.command()
def confirm(
    facility: _FacilityName,
    partner: _Partner = None,
    on: _OptionalDay = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Sign the other bank's statement, which closes the day.

    Refused, with each difference by name, where this bank's own legs come to something else.

    Example:

      tally day confirm --facility WLD-2016-A --day 2026-03-02
    """
    with _account(config, facility, partner) as (days, desk):
        wanted = None if on is None else _ordinal(on)
        statement, transaction = day_closing.confirm(days, desk, wanted)
        _show(statement, days.decimals, days.currency)
        _sent(f"closed {date.fromordinal(statement.day)}", transaction)


@day.command()
def dispute(
    facility: _FacilityName,
    reason: _Reason,
    partner: _Partner = None,
    on: _OptionalDay = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Refuse the other bank's statement, which ends its proposal.

    Example:

      tally day dispute --facility WLD-2016-A --reason "L4711 is missing on our side"
    """
    with _account(config, facility, partner) as (days, desk):
        wanted = None if on is None else _ordinal(on)
        statement, transaction = day_closing.dispute(days, desk, wanted, reason)
        _sent(f"disputed {date.fromordinal(statement.day)}", transaction)


@day.command()
def withdraw(
    facility: _FacilityName,
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
    with _account(config, facility, partner) as (days, desk):
        if reopening:
            ordinal, transaction = day_closing.withdraw_reopening(days, desk)
            _sent(f"took the reopening of {date.fromordinal(ordinal)} back", transaction)
            return
        statement, transaction = day_closing.withdraw(days, desk)
        _sent(f"took the statement of {date.fromordinal(statement.day)} back", transaction)


@day.command()
def reopen(
    facility: _FacilityName,
    reason: _Reason,
    partner: _Partner = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose to open the last closed day again, or confirm that the other bank proposed it.

    Example:

      tally day reopen --facility WLD-2016-A --reason "a top-up was booked twice"
    """
    with _account(config, facility, partner) as (days, desk):
        ordinal, transaction, opened = day_closing.reopen(days, desk, reason)
        _sent(
            f"{'opened' if opened else 'proposed to open'} {date.fromordinal(ordinal)} again",
            transaction,
        )


@day.command("list")
def list_(
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    partner: Annotated[str | None, typer.Option(help="A partner's name.")] = None,
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
                for one in reserves.day_records(connection, chosen, partner)
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
            Text(one.facility),
            Text(one.partner),
            f"{one.day}",
            Text(state, "yellow" if one.state == "proposed" else ""),
            Text(one.proposed_by),
            one.closing.agreed,
            f"{one.open_legs:,}",
        )
    show(made)
    show_as_of(found.as_of)


@day.command("show")
def show_(
    number: Annotated[int, typer.Argument(help="As `tally day list` has it.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show one statement, with the pairs that it carries forward by name.

    Example:

      tally day show 3 --config bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        found = reserves.day_records(connection, number=number)
        if not found:
            raise UsageFault(
                f"there is no statement {number}", remedy="`tally day list` shows them"
            )
        record = found[0]
        money = money_of(connection)
        out = day_close_out(record, money, reserves.carried_forward(connection, record))
        head = as_of(connection)
    if as_json:
        typer.echo(out.model_dump_json(indent=2))
        return
    currency, decimals = money[record.facility]
    stdout.print(
        Text(
            f"{record.facility}, {record.partner}, {record.day}: {record.state}; proposed by "
            f"{record.proposed_by} in block {record.proposed_block:,}"
        )
    )
    _show(record.statement, decimals, currency)
    if out.carried_forward:
        made = table("pair", "kind", "event_ref", numbers=("lead", "partner"))
        for one in out.carried_forward:
            made.add_row(
                "-" if one.pair is None else f"{one.pair}",
                Text(one.kind),
                Text(one.event_ref or f"#{one.reference}"),
                one.lead_amount or "-",
                one.partner_amount or "-",
            )
        show(made)
    show_as_of(head)


@contextmanager
def _account(
    config: Path, facility: str, partner: str | None
) -> Iterator[tuple[AccountDays, ApproverDesk]]:
    with closing(Bank(load_config(config))) as bank:
        days = bank.account_days(facility, partner)
        yield days, bank.approver_desk(days)


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
        f"{statement.open.legs:,} open legs in {len(statement.open.names):,} pairs carried forward",
        highlight=False,
    )


def _sent(what: str, transaction: str) -> None:
    stdout.print(Text(f"{what}: {transaction}"))


def _ordinal(given: str) -> int:
    try:
        return date.fromisoformat(given).toordinal()
    except ValueError:
        raise UsageFault(f"--day {given!r} is no date; give YYYY-MM-DD") from None
