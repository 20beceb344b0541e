"""Acts about a break."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from app.actions import breaks
from app.actions.breaks import BreakName, check_side, find_break, waiting_resolution
from app.actions.view import View
from app.domain.errors import UsageFault
from app.domain.numbers import LARGEST
from app.domain.reasons import checked_reason
from app.domain.resolutions import Action, Resolution, Side
from app.prepared_acts.requests.shared import Asking, ReasonText, check_shown
from app.readmodel.pairs.shapes import Pair

Pair64 = Annotated[int, Field(ge=1, le=LARGEST, description="The break's number.")]
_Shown = Annotated[
    int,
    Field(ge=0, le=LARGEST, description="The number of the resolution that was shown."),
]


class _OfBreak(Asking):
    pair: Pair64


class ProposeResolutionIn(_OfBreak):
    """Propose how to resolve a break."""

    act: Literal["breaks.propose"]
    action: Action
    side: Side | None = Field(None, description="With adjust alone: whose book moves.")
    business_date: date | None = Field(
        None, description="On which books move; today in the facility's time zone if left out."
    )
    reason: ReasonText

    def asked(self, view: View) -> breaks.ProposeResolution:
        checked_reason(self.reason)
        check_side(self.action, self.side, remedy="Give a side with adjust, and only there")
        pair = find_break(view, BreakName(self.pair))
        is_whole = pair.lead is not None and pair.partner_half is not None
        if self.action in (Action.ADJUST, Action.FORCE) and not is_whole:
            raise UsageFault(
                f"{self.action} is for pairs, and break {pair.number} has one half",
                remedy="Choose write off or void",
            )
        if self.action is Action.ADJUST and not pair.difference:
            raise UsageFault(
                f"the amounts of break {pair.number} are equal: nothing is to be adjusted",
                remedy="Choose force or void",
            )
        on = self.business_date or breaks.today(view, pair)
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
    reason: ReasonText

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


def _waiting(view: View, number: int, shown: int, *, by_us: bool) -> tuple[Pair, Resolution]:
    """The break, and the resolution that was shown. Raises UsageFault where another waits, or one
    of the bank that may not answer it."""
    pair = find_break(view, BreakName(number))
    resolution = waiting_resolution(view, pair)
    assert pair.proposal is not None, "a resolution waits"
    check_shown(pair.proposal.number == shown)
    if (pair.proposal.proposed_by == view.bank) != by_us:
        raise UsageFault(
            f"{pair.proposal.proposed_by} has proposed it",
            remedy="The other bank accepts or disputes it" if not by_us else "Accept or dispute it",
        )
    return pair, resolution
