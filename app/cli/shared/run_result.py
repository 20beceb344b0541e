"""The one object that `tally reconcile --json` prints (INTERFACES), from the banks' databases."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from app.db.vault import vault_of
from app.domain.errors import ChainFault
from app.domain.facility import Facility
from app.domain.matching.pairs import PAIR_TYPES
from app.domain.money import format_amount
from app.intake.cells import shown
from app.intake.tables import quarantine
from app.local.consortium import Consortium
from app.local.reconcile import Outcome
from app.node.bank import Bank
from app.outbox import dead_letters
from app.outbox.progress import run_gas
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.pairs.completed import completed_pairs

_HARMLESS = ("matched", "within_tolerance")

QuarantineLine = tuple[str, int, str, str, str]
"""file, row, field, value, reason"""


def run_result(
    consortium: Consortium,
    banks: Iterable[Bank],
    terms: Facility,
    outcome: Outcome,
    before: Mapping[str, int],
) -> dict[str, Any]:
    """Everything but `seconds`. `before`: each bank's last batch sequence before this run."""
    by_name = {bank.name: bank for bank in banks}
    lead = by_name[terms.lead]
    posts = gas = 0
    since: dict[int, int] = {}
    for bank in by_name.values():
        bank_posts, bank_gas = run_gas(bank.engine, terms.id, before[bank.name])
        posts += bank_posts
        gas += bank_gas
        since[bank.member] = before[bank.name]
    with lead.engine.connect() as connection:
        completed = completed_pairs(connection, terms.id, since)
    return {
        "facility": terms.id,
        "rows": {name: _rows(bank, outcome) for name, bank in by_name.items()},
        **account_results(lead.engine, terms.id),
        "chain": {
            "engine": lead.manifest.engine,
            "chain_id": lead.manifest.chain_id,
            "height": consortium.height(),
            "transactions": posts,
            "gas_per_pair": round(gas / completed) if completed else None,
        },
    }


def account_results(engine: Engine, facility: str) -> dict[str, Any]:
    """`pairs` and `reserves` of a facility (its id), from a read model that sees all accounts."""
    with engine.connect() as connection:
        accounts = balances(connection, facility=facility)
    return {
        "pairs": {
            account.partner: {type_: account.counts[type_] for type_ in PAIR_TYPES}
            for account in accounts
        },
        "reserves": {
            account.partner: {
                "currency": account.currency,
                "lead_book": format_amount(account.books.lead_book, account.decimals),
                "partner_book": format_amount(account.books.partner_book, account.decimals),
                "agreed": format_amount(account.books.agreed, account.decimals),
                "proof": format_amount(_proof(account), account.decimals),
            }
            for account in accounts
        },
    }


def has_differences(result: Mapping[str, Any]) -> bool:
    """Whether anything but matched pairs and duplicate rows was seen."""
    return any(sums["quarantined"] for sums in result["rows"].values()) or any(
        count
        for per_type in result["pairs"].values()
        for type_, count in per_type.items()
        if type_ not in _HARMLESS
    )


def quarantine_lines(
    banks: Iterable[Bank], outcome: Outcome, feeds: Mapping[str, Path]
) -> Iterator[QuarantineLine]:
    """The rows of this run that were quarantined, by validation or by the chain; by file and
    row."""
    files = {
        bank.name: shown(str(feeds[bank.name])) for bank in banks if bank.name in outcome.feeds
    }
    for bank in sorted(
        (one for one in banks if one.name in files), key=lambda one: files[one.name]
    ):
        file, feed = files[bank.name], outcome.feeds[bank.name]
        with bank.engine.connect() as connection:
            yield from heapq.merge(
                _invalid_rows(connection, file, feed.feed_id),
                (
                    (file, letter.row, "chain", letter.event_id, letter.reason)
                    for letter in dead_letters.of_feed(connection, feed.feed_id)
                ),
            )


def _invalid_rows(connection: Connection, file: str, feed: int) -> Iterator[QuarantineLine]:
    open_ = vault_of(connection).open
    rows = connection.execution_options(stream_results=True).execute(
        select(quarantine).where(quarantine.c.feed_id == feed).order_by(quarantine.c.row)
    )
    for row in rows:
        yield file, row.row, row.field, open_(row.value).decode(), row.reason


def _proof(account: Balance) -> int:
    if account.proof is not None:
        return account.proof
    if account.last_block == 0:
        return 0  # nothing was ever posted to it
    raise ChainFault(
        f"the contract's books of {account.partner} could not be read at the newest block",
        remedy="Run the command again; nothing is posted twice",
    )


def _rows(bank: Bank, outcome: Outcome) -> dict[str, int]:
    feed = outcome.feeds.get(bank.name)
    if feed is None:
        return {"in": 0, "accepted": 0, "duplicate": 0, "quarantined": 0}
    with bank.engine.connect() as connection:
        refused = len(dead_letters.of_feed(connection, feed.feed_id))
    return {
        "in": feed.rows_in,
        "accepted": feed.accepted - refused,
        "duplicate": feed.duplicate,
        "quarantined": feed.quarantined + refused,
    }
