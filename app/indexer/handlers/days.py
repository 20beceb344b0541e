"""Closed days of reserve accounts, from the events of DayClose."""

from typing import Any

from sqlalchemy import Update, insert, update

from app.contracts.events import ContractEvent
from app.indexer.handlers.accounts import account_of
from app.indexer.projection import Projection
from app.indexer.state import Account
from app.readmodel.tables import day_closes

_SUMS = {
    f"{row}_{book.lower()}": f"{row}{book}"
    for row in ("opening", "movement", "closing")
    for book in ("Lead", "Partner", "Agreed")
} | {
    "open_lead": "openLead",
    "open_partner": "openPartner",
    "accepted_difference": "acceptedDifference",
    "open_legs": "openLegs",
}
"""Columns to the statement's fields."""


def day_proposed(projection: Projection, event: ContractEvent) -> None:
    """A bank proposed to close a day; what waited for the account before is replaced."""
    arguments, account = event.arguments, account_of(projection, event)
    if account is None:
        return
    projection.state.day_closes += 1
    projection.statements += [
        _waiting(account).values(state="replaced"),
        insert(day_closes).values(
            number=projection.state.day_closes,
            facility=account.facility,
            partner=account.partner,
            day=arguments["day"],
            state="proposed",
            proposed_by=arguments["member"],
            proposed_block=event.block_number,
            proposed_at=projection.time(event.block_number),
            proposed_tx=bytes.fromhex(event.tx_hash[2:]),
            statement_hash=arguments["statementHash"],
            **{column: arguments["statement"][name] for column, name in _SUMS.items()},
            carried_forward=b"".join(key.to_bytes(32) for key in arguments["carriedForward"]),
        ),
    ]


def day_closed(projection: Projection, event: ContractEvent) -> None:
    """The other bank confirmed: movements up to the day fall on the next one from now on."""
    account = account_of(projection, event)
    if account is not None:
        _answer(projection, event, account, "closed")
        _close_through(projection, event, account, event.arguments["day"])


def day_disputed(projection: Projection, event: ContractEvent) -> None:
    """The other bank disputed."""
    account = account_of(projection, event)
    if account is not None:
        reason = event.arguments["reasonHash"]
        _answer(projection, event, account, "disputed", reason_hash=reason)


def day_withdrawn(projection: Projection, event: ContractEvent) -> None:
    """The bank that proposed took it back."""
    account = account_of(projection, event)
    if account is not None:
        _answer(projection, event, account, "withdrawn")


def reopen_proposed(projection: Projection, event: ContractEvent) -> None:
    """A bank proposed to open the last closed day again."""
    arguments, account = event.arguments, account_of(projection, event)
    if account is not None:
        projection.statements.append(
            _closed(account, arguments["day"]).values(
                reopen_by=arguments["member"], reopen_reason_hash=arguments["reasonHash"]
            )
        )


def reopen_withdrawn(projection: Projection, event: ContractEvent) -> None:
    """The bank that proposed a reopening took it back."""
    account = account_of(projection, event)
    if account is not None:
        projection.statements.append(
            _closed(account, event.arguments["day"]).values(reopen_by=None, reopen_reason_hash=None)
        )


def day_reopened(projection: Projection, event: ContractEvent) -> None:
    """The other bank confirmed: the day is open again."""
    arguments, account = event.arguments, account_of(projection, event)
    if account is not None:
        projection.statements.append(
            _closed(account, arguments["day"]).values(
                state="reopened", reopened_at=projection.time(event.block_number)
            )
        )
        _close_through(projection, event, account, arguments["closedThrough"])


def _answer(
    projection: Projection, event: ContractEvent, account: Account, state: str, **values: Any
) -> None:
    projection.statements.append(
        _waiting(account).values(
            state=state,
            answered_by=event.arguments["member"],
            answered_at=projection.time(event.block_number),
            **values,
        )
    )


def _close_through(
    projection: Projection, event: ContractEvent, account: Account, day: int
) -> None:
    """In turn with the postings: those before it moved days that were open still."""

    def close() -> None:
        account.closed_through = day
        # so that the contract's own word is read again
        account.last_block = event.block_number
        projection.changes.add_account(account)

    projection.later(close)


def _waiting(account: Account) -> Update:
    return _of(account).where(day_closes.c.state == "proposed")


def _closed(account: Account, day: int) -> Update:
    return _of(account).where(day_closes.c.state == "closed", day_closes.c.day == day)


def _of(account: Account) -> Update:
    c = day_closes.c
    return update(day_closes).where(c.facility == account.facility, c.partner == account.partner)
