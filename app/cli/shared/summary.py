"""The summary that a person reads after a reconciliation."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from app.domain.matching.pairs import PAIR_TYPES, SETTLED


def print_summary(console: Console, result: Mapping[str, Any]) -> None:
    """Print the object of `tally reconcile --json` as tables."""
    console.print(
        Panel(
            Group(
                Text("Feeds", style="bold"),
                _rows(result["rows"]),
                Text(),
                Text("Pairs", style="bold"),
                _pairs(result["pairs"]),
                Text(),
                Text("Reserve accounts", style="bold"),
                _reserves(result["reserves"]),
                Text(),
                _chain(result),
            ),
            title=Text(result["facility"], "bold"),
            padding=(1, 2),
            expand=False,
        )
    )


def _rows(rows: Mapping[str, Mapping[str, int]]) -> Table:
    table = _table("bank", "rows in", "accepted", "duplicate", "quarantined")
    for bank, sums in rows.items():
        table.add_row(
            bank,
            f"{sums['in']:,}",
            f"{sums['accepted']:,}",
            f"{sums['duplicate']:,}",
            _alarm(sums["quarantined"]),
        )
    return table


def _pairs(pairs: Mapping[str, Mapping[str, int]]) -> Table:
    table = _table("", *pairs)
    for type_ in PAIR_TYPES:
        counts = [per_type[type_] for per_type in pairs.values()]
        shown = [f"{count:,}" if type_ in SETTLED else _alarm(count) for count in counts]
        table.add_row(type_.replace("_", " "), *shown)
    return table


def _reserves(reserves: Mapping[str, Mapping[str, str]]) -> Table:
    table = _table("partner", "lead book", "partner book", "agreed", "proof")
    for partner, books in reserves.items():
        currency = books["currency"]
        proof = books["proof"]
        zero = not proof.strip("-0.")
        table.add_row(
            partner,
            f"{books['lead_book']} {currency}",
            f"{books['partner_book']} {currency}",
            f"{books['agreed']} {currency}",
            Text(proof, "green" if zero else "bold red"),
        )
    return table


def _chain(result: Mapping[str, Any]) -> Text:
    chain, seconds = result["chain"], result["seconds"]
    gas = chain["gas_per_pair"]
    return Text(
        f"{chain['engine']} chain {chain['chain_id']}, block {chain['height']}: "
        f"{chain['transactions']} posts, "
        + (f"{gas:,} gas a pair, " if gas is not None else "")
        + f"{seconds['total']:.1f} s in all",
        style="dim",
    )


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first)
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table


def _alarm(count: int) -> Text:
    return Text(f"{count:,}", "bold yellow" if count else "dim")
