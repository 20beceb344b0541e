"""What a person asks to have prepared, by REST or on the page, and what it is in full.

What a request leaves out is what this bank's node has read: the statement of a day, the resolution
that waits word for word. What was shown is named (a resolution's number, a statement's hash), and
something else that waits by then is refused.
"""

from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, RootModel

from app.actions import breaks, days
from app.actions.breaks import BreakName, check_side, find_break, waiting_resolution
from app.actions.view import View
from app.domain.errors import UsageFault
from app.domain.reasons import MAX_REASON_CHARACTERS, checked_reason
from app.domain.resolutions import Action, Resolution, Side
from app.readmodel.pairs.shapes import Pair

Pair64 = Annotated[int, Field(ge=1, le=2**63 - 1, description="The break's number.")]
_ReasonText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_REASON_CHARACTERS,
        description="Why; the other bank and the auditors read it.",
    ),
]
_Shown = Annotated[
    int,
    Field(ge=0, le=2**63 - 1, description="The number of the resolution that was shown."),
]
_Hash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$")]
_FacilityId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
_PartnerName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _OfBreak(_Request):
    pair: Pair64


class ProposeResolutionIn(_OfBreak):
    """Propose how to resolve a break."""

    act: Literal["breaks.propose"]
    action: Action
    side: Side | None = Field(None, description="With adjust alone: whose book moves.")
    business_date: date | None = Field(
        None, description="On which books move; today in the facility's time zone if left out."
    )
    reason: _ReasonText

    def asked(self, view: View) -> breaks.ProposeResolution:
        checked_reason(self.reason)
        check_side(self.action, self.side, remedy="Give a side with adjust, and only there")
        pair = find_break(view, BreakName(self.pair))
        zone = ZoneInfo(view.facility(pair.facility).terms.time_zone)
        on = self.business_date or datetime.now(zone).date()
        return breaks.ProposeResolution(
            pair.number, self.action, self.side, on.toordinal(), self.reason
        )


class AcceptResolutionIn(_OfBreak):
    """Accept what the other bank has proposed for a break."""

    act: Literal["breaks.accept"]
    resolution: _Shown

    def asked(self, view: View) -> breaks.AcceptResolution:
        pair, resolution = _waiting(view, self.pair, self.resolution, by_us=False)
        return breaks.AcceptResolution(pair.number, resolution)


class DisputeResolutionIn(_OfBreak):
    """Dispute what the other bank has proposed for a break, which ends the proposal."""

    act: Literal["breaks.dispute"]
    resolution: _Shown
    reason: _ReasonText

    def asked(self, view: View) -> breaks.DisputeResolution:
        checked_reason(self.reason)
        pair, resolution = _waiting(view, self.pair, self.resolution, by_us=False)
        return breaks.DisputeResolution(pair.number, resolution, self.reason)


class WithdrawResolutionIn(_OfBreak):
    """Take this bank's own proposal for a break back."""

    act: Literal["breaks.withdraw"]
    resolution: _Shown

    def asked(self, view: View) -> breaks.WithdrawResolution:
        pair, resolution = _waiting(view, self.pair, self.resolution, by_us=True)
        return breaks.WithdrawResolution(pair.number, resolution)


class _OfAccount(_Request):
    facility: _FacilityId
    partner: _PartnerName

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
    statement_hash: _Hash

    def asked(self, view: View) -> days.ConfirmDay:
        account = self.account(view)
        shown = bytes.fromhex(self.statement_hash[2:])
        waiting = days.day_to_answer(view, account)
        _check_shown(waiting.statement_hash == shown)
        days.check_statement(view, account, waiting)
        return days.ConfirmDay(account, shown)


class DisputeDayIn(_OfAccount):
    """Refuse the other bank's statement, which ends its proposal."""

    act: Literal["days.dispute"]
    statement_hash: _Hash
    reason: _ReasonText

    def asked(self, view: View) -> days.DisputeDay:
        checked_reason(self.reason)
        account = self.account(view)
        shown = bytes.fromhex(self.statement_hash[2:])
        _check_shown(days.day_to_answer(view, account).statement_hash == shown)
        return days.DisputeDay(account, shown, self.reason)


class WithdrawDayIn(_OfAccount):
    """Take this bank's own statement back."""

    act: Literal["days.withdraw"]
    statement_hash: _Hash

    def asked(self, view: View) -> days.WithdrawDay:
        account = self.account(view)
        shown = bytes.fromhex(self.statement_hash[2:])
        _check_shown(days.own_day(view, account).statement_hash == shown)
        return days.WithdrawDay(account)


class ProposeReopeningIn(_OfAccount):
    """Propose to open the last closed day again."""

    act: Literal["days.propose_reopening"]
    day: date
    reason: _ReasonText

    def asked(self, view: View) -> days.ProposeReopening:
        checked_reason(self.reason)
        account = self.account(view)
        last = days.last_closed(view, account)
        _check_last(last.day, self.day)
        if last.reopening_by not in (None, view.bank):
            raise UsageFault(
                f"{last.reopening_by} proposes to open {self.day} again already",
                remedy="Confirm that",
            )
        return days.ProposeReopening(account, last.day, self.reason)


class ConfirmReopeningIn(_OfAccount):
    """Open the last closed day again, as the other bank proposes."""

    act: Literal["days.confirm_reopening"]
    day: date

    def asked(self, view: View) -> days.ConfirmReopening:
        account = self.account(view)
        last = days.last_closed(view, account)
        _check_last(last.day, self.day)
        if last.reopening_hash is None or last.reopening_by == view.bank:
            raise UsageFault(
                f"the other bank does not propose to open {self.day} again",
                remedy="Propose it, or wait for it",
            )
        return days.ConfirmReopening(account, last.day, last.reopening_hash)


class WithdrawReopeningIn(_OfAccount):
    """Take this bank's own reopening back."""

    act: Literal["days.withdraw_reopening"]
    day: date

    def asked(self, view: View) -> days.WithdrawReopening:
        account = self.account(view)
        last = days.last_closed(view, account)
        _check_last(last.day, self.day)
        if last.reopening_hash is None or last.reopening_by != view.bank:
            raise UsageFault(
                f"this bank does not propose to open {self.day} again",
                remedy="The other bank's proposal is confirmed, or left",
            )
        return days.WithdrawReopening(account)


Request = Annotated[
    ProposeResolutionIn
    | AcceptResolutionIn
    | DisputeResolutionIn
    | WithdrawResolutionIn
    | ProposeDayIn
    | ConfirmDayIn
    | DisputeDayIn
    | WithdrawDayIn
    | ProposeReopeningIn
    | ConfirmReopeningIn
    | WithdrawReopeningIn,
    Field(discriminator="act"),
]


class PrepareIn(RootModel[Request]):
    """What is to be prepared for another person's signature."""


def _waiting(view: View, number: int, shown: int, *, by_us: bool) -> tuple[Pair, Resolution]:
    """The break, and the resolution that was shown. Raises UsageFault where another waits, or one
    of the bank that may not answer it."""
    pair = find_break(view, BreakName(number))
    resolution = waiting_resolution(view, pair)
    assert pair.proposal is not None, "a resolution waits"
    _check_shown(pair.proposal.number == shown)
    if (pair.proposal.proposed_by == view.bank) != by_us:
        raise UsageFault(
            f"{pair.proposal.proposed_by} has proposed it",
            remedy="The other bank accepts or disputes it" if not by_us else "Accept or dispute it",
        )
    return pair, resolution


def _check_shown(is_shown: bool) -> None:
    if not is_shown:
        raise UsageFault("something else waits now than what was shown", remedy="Look at it again")


def _check_last(closed: int, day: date) -> None:
    if closed != day.toordinal():
        raise UsageFault(
            f"{day} is not the last closed day, {date.fromordinal(closed)} is",
            remedy="Days are opened again from the last one backwards",
        )
