"""Acts about an account's days."""

from datetime import date
from typing import Literal

from app.actions import days
from app.actions.view import View
from app.domain.reasons import checked_reason
from app.prepared_acts.requests.shared import (
    Asking,
    FacilityId,
    Hash,
    Name,
    ReasonText,
    check_shown,
)


class _OfAccount(Asking):
    facility: FacilityId
    partner: Name

    def account(self, view: View) -> days.Account:
        return days.find_account(view, self.facility, self.partner)


class ProposeDayIn(_OfAccount):
    """Propose to close a day, with what this bank's own legs come to now."""

    act: Literal["days.propose"]
    day: date

    def asked(self, view: View) -> days.ProposeDay:
        account = self.account(view)
        return days.ProposeDay(account, days.own_statement(view, account, self.day.toordinal()))


class ConfirmDayIn(_OfAccount):
    """Sign the other bank's statement, which closes the day."""

    act: Literal["days.confirm"]
    statement_hash: Hash

    def asked(self, view: View) -> days.ConfirmDay:
        account = self.account(view)
        shown = bytes.fromhex(self.statement_hash[2:])
        waiting = days.day_to_answer(view, account)
        check_shown(waiting.statement_hash == shown)
        days.check_statement(view, account, waiting)
        return days.ConfirmDay(account, shown)


class DisputeDayIn(_OfAccount):
    """Refuse the other bank's statement, which ends its proposal."""

    act: Literal["days.dispute"]
    statement_hash: Hash
    reason: ReasonText

    def asked(self, view: View) -> days.DisputeDay:
        checked_reason(self.reason)
        account = self.account(view)
        shown = bytes.fromhex(self.statement_hash[2:])
        check_shown(days.day_to_answer(view, account).statement_hash == shown)
        return days.DisputeDay(account, shown, self.reason)


class WithdrawDayIn(_OfAccount):
    """Take this bank's own statement back."""

    act: Literal["days.withdraw"]
    statement_hash: Hash

    def asked(self, view: View) -> days.WithdrawDay:
        account = self.account(view)
        shown = bytes.fromhex(self.statement_hash[2:])
        check_shown(days.own_day(view, account).statement_hash == shown)
        return days.WithdrawDay(account)


class ProposeReopeningIn(_OfAccount):
    """Propose to open the last closed day again."""

    act: Literal["days.propose_reopening"]
    day: date
    reason: ReasonText

    def asked(self, view: View) -> days.ProposeReopening:
        checked_reason(self.reason)
        account = self.account(view)
        last = days.reopening_to_propose(view, account, self.day.toordinal())
        return days.ProposeReopening(account, last.day, self.reason)


class ConfirmReopeningIn(_OfAccount):
    """Open the last closed day again, as the other bank proposes."""

    act: Literal["days.confirm_reopening"]
    day: date

    def asked(self, view: View) -> days.ConfirmReopening:
        account = self.account(view)
        last = days.reopening_to_confirm(view, account, self.day.toordinal())
        assert last.reopening_hash is not None, "it waits"
        return days.ConfirmReopening(account, last.day, last.reopening_hash)


class WithdrawReopeningIn(_OfAccount):
    """Take this bank's own reopening back."""

    act: Literal["days.withdraw_reopening"]
    day: date

    def asked(self, view: View) -> days.WithdrawReopening:
        account = self.account(view)
        days.own_reopening(view, account, self.day.toordinal())
        return days.WithdrawReopening(account)
