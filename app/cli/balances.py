"""`tally balances`: the reserve accounts of a bank's view."""

import typer
from rich.text import Text

from app.cli.shared.console import stderr
from app.cli.shared.reading import (
    DEFAULT_CONFIG,
    ConfigOption,
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
from app.presentation.accounts import BalanceOut, balances_out


def balances(
    config: ConfigOption = DEFAULT_CONFIG,
    facility: FacilityOption = None,
    partner: PartnerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each reserve account: the three balances, what is available, the proof, open legs and
    breaks.

    They come from final blocks, as this bank's node has read them; the node need not be running.
    With --json the object is that of GET /v1/balances.

    Example:

      tally balances --config .tally/demo/banks/webank/bank.toml
    """
    with reading(config) as engine, engine.connect() as connection:
        chosen = checked_facility(connection, facility)
        found = balances_out(connection, chosen, checked_member(connection, partner))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    made = table(
        "facility",
        "partner",
        "",
        numbers=(
            "lead book",
            "partner book",
            "agreed",
            "held",
            "available",
            "proof",
            "open legs",
            "breaks",
            "overdue",
            "closed through",
            "",
        ),
    )
    for account in found.items:
        made.add_row(*_row(account))
    show(made)
    for pending in found.pending:
        stderr.print(
            f"{pending.facility}: {pending.waiting:,} events pending (accepted here, not yet "
            f"on the chain), {pending.dead_letters:,} in the dead letters"
        )
    show_as_of(found.as_of)


def _row(account: BalanceOut) -> tuple[str | Text, ...]:
    proof = Text("reading", "yellow")
    if account.proof is not None:
        zero = not account.proof.strip("-0.")
        proof = Text(account.proof, "green" if zero else "bold red")
    broken = sum(
        count
        for name, count in account.pairs.items()
        if name not in ("matched", "within_tolerance")
    )
    mark = Text()
    if account.shortfall.strip("0."):
        mark = Text("shortfall", "bold red")
    elif account.low:
        mark = Text("low", "yellow")
    return (
        account.facility,
        account.partner,
        Text(account.currency, "dim"),
        account.lead_book,
        account.partner_book,
        Text(account.agreed, "bold"),
        Text(account.held, "dim" if not account.held.strip("0.") else ""),
        account.available,
        proof,
        f"{account.open_legs:,}",
        Text(f"{broken:,}", "yellow" if broken else "dim"),
        Text(f"{account.overdue:,}", "yellow" if account.overdue else "dim"),
        Text("-" if account.closed_through is None else f"{account.closed_through}", "dim"),
        mark,
    )
