"""What a person asks to have prepared, by REST or on the page, and what it is in full.

What a request leaves out is what this bank's node has read: the statement of a day, the resolution
that waits word for word. What was shown is named (a resolution's number, a statement's hash), and
something else that waits by then is refused.
"""

from typing import Annotated

from pydantic import Field, RootModel

from app.prepared_acts.requests import breaks, consortium, days, facilities, holds

Request = Annotated[
    breaks.ProposeResolutionIn
    | breaks.AcceptResolutionIn
    | breaks.DisputeResolutionIn
    | breaks.WithdrawResolutionIn
    | days.ProposeDayIn
    | days.ConfirmDayIn
    | days.DisputeDayIn
    | days.WithdrawDayIn
    | days.ProposeReopeningIn
    | days.ConfirmReopeningIn
    | days.WithdrawReopeningIn
    | holds.PlaceHoldsIn
    | holds.ReleaseHoldsIn
    | facilities.ProposeFacilityIn
    | facilities.AcceptFacilityIn
    | facilities.DeclineFacilityIn
    | facilities.WithdrawFacilityIn
    | facilities.ProposeSharesIn
    | facilities.ProposeRulesIn
    | facilities.ProposeCloseIn
    | facilities.AcceptChangeIn
    | facilities.EnactChangeIn
    | facilities.WithdrawChangeIn
    | facilities.PauseFacilityIn
    | facilities.ResumeFacilityIn
    | consortium.ProposeIn
    | consortium.VoteIn
    | consortium.EnactIn
    | consortium.WithdrawIn
    | consortium.ObjectIn
    | consortium.StopIn
    | consortium.LiftIn,
    Field(discriminator="act"),
]


class PrepareIn(RootModel[Request]):
    """What is to be prepared for another person's signature."""
