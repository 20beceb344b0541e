"""Closing days: one bank states what its own legs come to, the other signs where its own agree."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.actions.act import act
from app.actions.reasons import readers_of_facility
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.day_close import DayClose
from app.contracts.transactions import Call
from app.domain.day_close import Statement, differences, open_differences
from app.domain.errors import UsageFault
from app.domain.money import format_amount
from app.domain.reasons import Reason, checked_reason
from app.readmodel.days import queries
from app.readmodel.days.shapes import DayRecord
from app.readmodel.directory import directory
from app.readmodel.tables import accounts


@dataclass(frozen=True, slots=True)
class Account:
    """A reserve account: its facility and partner, by names and by the chain's numbers."""

    facility: str
    partner: str
    facility_number: int
    partner_number: int
    currency: str
    decimals: int

    @property
    def subject(self) -> str:
        return f"account {self.facility}/{self.partner}"

    @property
    def numbers(self) -> tuple[int, int]:
        return self.facility_number, self.partner_number


@dataclass(frozen=True, slots=True)
class WaitingDay:
    """A proposal to close a day that waits. `is_current`: the account has not moved since."""

    statement: Statement
    statement_hash: bytes
    by_us: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The last day that is closed (ordinal), and what waits to open it again, if anything does."""

    day: int
    statement_hash: bytes
    reopening_by: str | None
    reopening_hash: bytes | None


@dataclass(frozen=True, slots=True)
class _OfAccount:
    account: Account

    @property
    def subject(self) -> str:
        return self.account.subject


@dataclass(frozen=True, slots=True)
class ProposeDay(_OfAccount):
    """Close a day, and all before it, with this bank's statement."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class ConfirmDay(_OfAccount):
    """Sign the other bank's statement of this hash."""

    statement_hash: bytes


@dataclass(frozen=True, slots=True)
class DisputeDay(_OfAccount):
    """End the other bank's proposal, whose statement has this hash."""

    statement_hash: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawDay(_OfAccount):
    """Take this bank's own proposal back."""


@dataclass(frozen=True, slots=True)
class ProposeReopening(_OfAccount):
    """Propose to the other bank to open a closed day (ordinal), the last one, again."""

    day: int
    reason: str


@dataclass(frozen=True, slots=True)
class ConfirmReopening(_OfAccount):
    """Open a closed day again, as the other bank has proposed it under a reason of this hash."""

    day: int
    reopening_hash: bytes


@dataclass(frozen=True, slots=True)
class WithdrawReopening(_OfAccount):
    """Take this bank's own reopening back."""


# --- What is known ------------------------------------------------------------------------------


def find_account(view: View, facility: str, partner: str | None) -> Account:
    """A reserve account, the bank's own where it is a partner and none is named.

    Raises UsageFault when it is not clear which, or when there is none.
    """
    agreed = view.facility(facility)
    terms = agreed.terms
    found = terms.partner(view.bank if partner is None else partner)
    if partner is None and found is None and len(terms.partners) == 1:
        found = terms.partners[0]
    if found is None:
        known = ", ".join(one.name for one in terms.partners)
        raise UsageFault(
            f"which account of {facility}? {partner!r} is no partner of it"
            if partner is not None
            else f"which account of {facility}?",
            remedy=f"Name a partner: {known}",
        )
    return Account(
        facility, found.name, agreed.number, found.number, terms.currency, terms.decimals
    )


def own_statement(view: View, account: Account, day: int) -> Statement:
    """What this bank's own legs come to. Raises UsageFault for a day that is closed."""
    with view.engine.connect() as connection:
        last = queries.last_closed(connection, account.facility, account.partner)
        if last is not None and day <= last.statement.day:
            raise UsageFault(
                f"the account is closed through {last.day}",
                remedy="Close a later day, or reopen the last one with the other bank",
            )
        known = directory(connection).facilities[account.facility_number]
        return queries.own_statement(connection, known, account.partner_number, last, day)


def waiting_day(view: View, account: Account) -> WaitingDay | None:
    """The proposal that waits, whichever bank's."""
    record = _proposed(view, account)
    if record is None:
        return None
    with view.engine.connect() as connection:
        last_block = connection.execute(
            select(accounts.c.last_block).where(
                accounts.c.facility == account.facility_number,
                accounts.c.partner == account.partner_number,
            )
        ).scalar_one()
    return WaitingDay(
        record.statement,
        record.statement_hash,
        record.proposed_by == view.bank,
        last_block < record.proposed_block,
    )


def day_to_answer(view: View, account: Account, day: int | None = None) -> WaitingDay:
    """The other bank's proposal. Raises UsageFault where none waits, or one of another day."""
    waiting = waiting_day(view, account)
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


def own_day(view: View, account: Account) -> WaitingDay:
    """This bank's own proposal that waits. Raises UsageFault where none does."""
    waiting = waiting_day(view, account)
    if waiting is None or not waiting.by_us:
        raise UsageFault(
            "no proposal of this bank waits for this account",
            remedy="`tally day list` shows what waits; the other bank's can be disputed",
        )
    return waiting


def last_closed(view: View, account: Account) -> Closed:
    """The last closed day. Raises UsageFault where no day is closed."""
    with view.engine.connect() as connection:
        last = queries.last_closed(connection, account.facility, account.partner)
    if last is None:
        raise UsageFault("no day of this account is closed", remedy="Nothing is to be reopened")
    return Closed(last.statement.day, last.statement_hash, last.reopen_by, last.reopen_reason_hash)


def reopening_to_propose(view: View, account: Account, day: int) -> Closed:
    """The last closed day, where it is this one (ordinal) and the other bank does not propose to
    open it already. Raises UsageFault."""
    last = _last_closed_is(view, account, day)
    if last.reopening_by not in (None, view.bank):
        raise UsageFault(
            f"{last.reopening_by} proposes to open {date.fromordinal(day)} again already",
            remedy="Confirm that",
        )
    return last


def reopening_to_confirm(view: View, account: Account, day: int) -> Closed:
    """The last closed day, where it is this one and the other bank proposes to open it. Raises
    UsageFault."""
    last = _last_closed_is(view, account, day)
    if last.reopening_hash is None or last.reopening_by == view.bank:
        raise UsageFault(
            f"the other bank does not propose to open {date.fromordinal(day)} again",
            remedy="Propose it, or wait for it",
        )
    return last


def own_reopening(view: View, account: Account, day: int | None = None) -> Closed:
    """The last closed day (where it is this one), which this bank proposes to open. Raises
    UsageFault."""
    last = last_closed(view, account) if day is None else _last_closed_is(view, account, day)
    if last.reopening_hash is None or last.reopening_by != view.bank:
        raise UsageFault(
            "no reopening of this bank waits for this account",
            remedy="`tally day list` shows what waits; the other bank's is confirmed, or left",
        )
    return last


def _last_closed_is(view: View, account: Account, day: int) -> Closed:
    last = last_closed(view, account)
    if last.day != day:
        raise UsageFault(
            f"{date.fromordinal(day)} is not the last closed day, {date.fromordinal(last.day)} is",
            remedy="Days are opened again from the last one backwards",
        )
    return last


def check_statement(view: View, account: Account, waiting: WaitingDay) -> None:
    """Raises UsageFault, naming each difference, where this bank's own legs come to something else.

    What is open is compared too where the account has not moved since the proposal; else the
    contract has: it takes no statement that does not name all that is open.
    """
    own, theirs = own_statement(view, account, waiting.statement.day), waiting.statement
    found = [
        f"{what}: {format_amount(ours, account.decimals)} by our legs, "
        f"{format_amount(stated, account.decimals)} stated"
        for what, ours, stated in differences(own, theirs)
    ]
    if waiting.is_current:
        for what, ours, stated in open_differences(own.open, theirs.open):
            counted = what.startswith(("count", "pairs"))
            shown = [
                str(n) if counted else format_amount(n, account.decimals) for n in (ours, stated)
            ]
            found.append(f"{what}: {shown[0]} by our legs, {shown[1]} stated")
    if found:
        raise UsageFault(
            "the statement is not what this bank's own legs come to: " + "; ".join(found),
            remedy="Let the node catch up with the chain; if it stays so, dispute it with "
            "`tally day dispute`",
        )


# --- What is signed -----------------------------------------------------------------------------


@act("days.propose")
def propose(asked: ProposeDay, view: View, contract: DayClose, signer: Signer) -> Done:
    """Refused where the statement is not what this bank's own legs come to now."""
    if asked.statement != own_statement(view, asked.account, asked.statement.day):
        raise UsageFault(
            "this bank's legs have changed since the statement was made",
            remedy="Look at it again, then propose",
        )
    return signer.send(contract.propose(asked.statement))


@act("days.confirm")
def confirm(asked: ConfirmDay, view: View, contract: DayClose, signer: Signer) -> Done:
    """Refused, with each difference by name, where this bank's own legs come to something else."""
    waiting = _as_seen(view, asked.account, asked.statement_hash)
    check_statement(view, asked.account, waiting)
    day = waiting.statement.day
    return signer.send(contract.confirm(*asked.account.numbers, day, asked.statement_hash))


@act("days.dispute")
def dispute(asked: DisputeDay, view: View, contract: DayClose, signer: Signer) -> Done:
    why = checked_reason(asked.reason)
    day = _as_seen(view, asked.account, asked.statement_hash).statement.day
    call = contract.dispute(*asked.account.numbers, day, asked.statement_hash, why.hash)
    return _send(signer, call, why, view, asked.account)


@act("days.withdraw")
def withdraw(asked: WithdrawDay, view: View, contract: DayClose, signer: Signer) -> Done:
    day = own_day(view, asked.account).statement.day
    return signer.send(contract.withdraw(*asked.account.numbers, day))


@act("days.propose_reopening")
def propose_reopening(
    asked: ProposeReopening, view: View, contract: DayClose, signer: Signer
) -> Done:
    """Refused where another day is the last closed one now, or the other bank proposes the same."""
    why = checked_reason(asked.reason)
    reopening_to_propose(view, asked.account, asked.day)
    call = contract.propose_reopen(*asked.account.numbers, asked.day, why.hash)
    return _send(signer, call, why, view, asked.account)


@act("days.confirm_reopening")
def confirm_reopening(
    asked: ConfirmReopening, view: View, contract: DayClose, signer: Signer
) -> Done:
    """Refused where another reopening waits now than the one that was shown."""
    last = reopening_to_confirm(view, asked.account, asked.day)
    if last.reopening_hash != asked.reopening_hash:
        raise UsageFault(
            "another reopening waits now than the one that was shown",
            remedy="`tally day list` shows what waits",
        )
    call = contract.confirm_reopen(*asked.account.numbers, asked.day, asked.reopening_hash)
    return signer.send(call)


@act("days.withdraw_reopening")
def withdraw_reopening(
    asked: WithdrawReopening, view: View, contract: DayClose, signer: Signer
) -> Done:
    last = own_reopening(view, asked.account)
    return signer.send(contract.withdraw_reopen(*asked.account.numbers, last.day))


def _send(signer: Signer, call: Call, why: Reason, view: View, account: Account) -> Done:
    may_read = readers_of_facility(view, account.facility_number, partner=account.partner_number)
    return signer.send_with_reason(call, reason=why, may_read=may_read)


def _as_seen(view: View, account: Account, statement_hash: bytes) -> WaitingDay:
    waiting = day_to_answer(view, account)
    if waiting.statement_hash != statement_hash:
        raise UsageFault(
            "another statement waits now than the one that was shown",
            remedy="`tally day list` shows which",
        )
    return waiting


def _proposed(view: View, account: Account) -> DayRecord | None:
    with view.engine.connect() as connection:
        found = queries.day_records(
            connection, account.facility, account.partner, "proposed", limit=1
        )
    return next(iter(found), None)
