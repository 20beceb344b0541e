"""Holds on reserve accounts, and balances that pass their marks, from the ledger's events."""

from sqlalchemy import insert, update

from app.contracts.events import ContractEvent
from app.domain.identifiers import REFERENCE_BYTES
from app.indexer.projection import Projection
from app.indexer.state import Account
from app.readmodel import tables as t


def hold_placed(projection: Projection, event: ContractEvent) -> None:
    """The lead set a part of a reserve aside for a drawdown."""
    arguments, account = event.arguments, account_of(projection, event)
    if account is None:
        return
    account.held += arguments["amount"]
    account.active_holds += 1
    projection.statements.append(
        insert(t.holds).values(
            facility=account.facility,
            partner=account.partner,
            ref=arguments["ref"].to_bytes(REFERENCE_BYTES),
            amount=arguments["amount"],
            expires_at=arguments["expiresAt"],
            state="active",
            placed_at=projection.time(event.block_number),
            placed_tx=bytes.fromhex(event.tx_hash[2:]),
            expired=False,
        )
    )


def hold_released(projection: Projection, event: ContractEvent) -> None:
    """A hold was released by the lead, or by anyone once it had expired."""
    arguments = event.arguments
    _end(
        projection, event, "released", released_by=arguments["member"], expired=arguments["expired"]
    )


def hold_posted(projection: Projection, event: ContractEvent) -> None:
    """A hold ended because its drawdown was settled."""
    _end(projection, event, "posted")


_PASSED = {
    "BalanceLow": "low",
    "BalanceRestored": "restored",
    "ShortfallBegan": "shortfall",
    "ShortfallEnded": "shortfall_ended",
}


def balance_passed(projection: Projection, event: ContractEvent) -> None:
    """A balance fell below its threshold, or below 0, or is there or above it again."""
    arguments, account = event.arguments, account_of(projection, event)
    if account is None:
        return
    projection.state.alerts += 1
    projection.statements.append(
        insert(t.alerts).values(
            number=projection.state.alerts,
            facility=account.facility,
            partner=account.partner,
            what=_PASSED[event.name],
            balance=arguments["balance"],
            low_balance=arguments.get("lowBalance"),
            at=projection.time(event.block_number),
            tx_hash=bytes.fromhex(event.tx_hash[2:]),
        )
    )


def account_of(projection: Projection, event: ContractEvent) -> Account | None:
    """The account of an event; None where this view does not hold it."""
    arguments = event.arguments
    return projection.state.accounts.get((arguments["facility"], arguments["partner"]))


def _end(projection: Projection, event: ContractEvent, state: str, **values: object) -> None:
    arguments, account = event.arguments, account_of(projection, event)
    if account is None:
        return
    account.held -= arguments["amount"]
    account.active_holds -= 1
    c = t.holds.c
    projection.statements.append(
        update(t.holds)
        .where(
            c.facility == account.facility,
            c.partner == account.partner,
            c.ref == arguments["ref"].to_bytes(REFERENCE_BYTES),
        )
        .values(state=state, ended_at=projection.time(event.block_number), **values)
    )
