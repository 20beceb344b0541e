"""Closing days: one bank states what its own legs come to, the other signs where its own agree."""

from dataclasses import dataclass
from typing import Protocol

from app.domain.day_close import Statement, differences, open_differences
from app.domain.errors import UsageFault
from app.domain.money import format_amount


@dataclass(frozen=True, slots=True)
class WaitingDay:
    """A proposal to close a day that waits. `is_current`: the account has not moved since."""

    statement: Statement
    statement_hash: bytes
    by_us: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class WaitingReopening:
    """A proposal to open the last closed day again, if there is one, and that day (ordinal)."""

    last_closed: int
    by: str | None
    by_us: bool
    reason_hash: bytes | None


class DayView(Protocol):
    """What this bank's own read model says of one reserve account."""

    @property
    def decimals(self) -> int: ...

    def statement(self, day: int) -> Statement:
        """What its own legs come to. Raises UsageFault for a day that is closed."""

    def waiting(self) -> WaitingDay | None: ...

    def reopening(self) -> WaitingReopening: ...


class DayDesk(Protocol):
    """DayClose under this bank's approver key. Each raises a ChainFault where the contract refuses,
    and returns the transaction."""

    def propose(self, statement: Statement) -> str: ...

    def confirm(self, statement: Statement, statement_hash: bytes) -> str: ...

    def dispute(self, statement: Statement, statement_hash: bytes, reason: str) -> str: ...

    def withdraw(self, statement: Statement) -> str: ...

    def propose_reopen(self, day: int, reason: str) -> str: ...

    def confirm_reopen(self, day: int, reason_hash: bytes) -> str: ...

    def withdraw_reopen(self, day: int) -> str: ...


def confirm(view: DayView, desk: DayDesk, day: int | None) -> tuple[Statement, str]:
    """Sign the other bank's statement, if this bank's own legs come to the same.

    What is open is compared too where the account has not moved since the proposal; else the
    contract has: it takes no statement that does not name all that is open.
    """
    waiting = the_others(view, day)
    check(view, waiting)
    return waiting.statement, desk.confirm(waiting.statement, waiting.statement_hash)


def check(view: DayView, waiting: WaitingDay) -> None:
    """Raises UsageFault, naming each difference, where this bank's own legs come to something
    else."""
    own, theirs = view.statement(waiting.statement.day), waiting.statement
    found = [
        f"{what}: {format_amount(ours, view.decimals)} by our legs, "
        f"{format_amount(stated, view.decimals)} stated"
        for what, ours, stated in differences(own, theirs)
    ]
    if waiting.is_current:
        for what, ours, stated in open_differences(own.open, theirs.open):
            counted = what.startswith(("count", "pairs"))
            told = [str(n) if counted else format_amount(n, view.decimals) for n in (ours, stated)]
            found.append(f"{what}: {told[0]} by our legs, {told[1]} stated")
    if found:
        raise UsageFault(
            "the statement is not what this bank's own legs come to: " + "; ".join(found),
            remedy="Let the node catch up with the chain; if it stays so, dispute it with "
            "`tally day dispute`",
        )


def dispute(view: DayView, desk: DayDesk, day: int | None, reason: str) -> tuple[Statement, str]:
    """End the other bank's proposal, with a reason."""
    waiting = the_others(view, day)
    return waiting.statement, desk.dispute(waiting.statement, waiting.statement_hash, reason)


def withdraw(view: DayView, desk: DayDesk) -> tuple[Statement, str]:
    """Take this bank's own proposal back."""
    waiting = view.waiting()
    if waiting is None or not waiting.by_us:
        raise UsageFault(
            "no proposal of this bank waits for this account",
            remedy="`tally day list` shows what waits; the other bank's can be disputed",
        )
    return waiting.statement, desk.withdraw(waiting.statement)


def reopen(view: DayView, desk: DayDesk, reason: str) -> tuple[int, str, bool]:
    """Propose to open the last closed day again, or confirm what the other bank proposed.

    Returns the day, the transaction, and whether that opened it.
    """
    waiting = view.reopening()
    if not waiting.last_closed:
        raise UsageFault("no day of this account is closed", remedy="Nothing is to be reopened")
    if waiting.reason_hash is not None and not waiting.by_us:
        sent = desk.confirm_reopen(waiting.last_closed, waiting.reason_hash)
        return waiting.last_closed, sent, True
    return waiting.last_closed, desk.propose_reopen(waiting.last_closed, reason), False


def withdraw_reopening(view: DayView, desk: DayDesk) -> tuple[int, str]:
    """Take this bank's own reopening back."""
    waiting = view.reopening()
    if waiting.reason_hash is None or not waiting.by_us:
        raise UsageFault(
            "no reopening of this bank waits for this account",
            remedy="`tally day list` shows what waits",
        )
    return waiting.last_closed, desk.withdraw_reopen(waiting.last_closed)


def the_others(view: DayView, day: int | None) -> WaitingDay:
    """The other bank's proposal. Raises UsageFault where none waits, or one of another day."""
    waiting = view.waiting()
    if waiting is None:
        raise UsageFault(
            "nothing waits to be answered for this account",
            remedy="`tally day list` shows the account's days",
        )
    if waiting.by_us:
        raise UsageFault(
            "this bank proposed it itself", remedy="The other bank's approver answers it"
        )
    if day is not None and day != waiting.statement.day:
        raise UsageFault(
            "the proposal that waits is of another day", remedy="`tally day list` shows which"
        )
    return waiting
