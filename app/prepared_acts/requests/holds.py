"""Acts about holds."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from app.actions import holds
from app.actions.view import View
from app.domain.errors import UsageFault
from app.prepared_acts.requests.shared import Asking, FacilityId, Name

_MOST_HOURS = 30 * 24


class PlaceHoldsIn(Asking):
    """Hold each partner's part of a drawdown, as its lead."""

    act: Literal["holds.place"]
    facility: FacilityId
    event_ref: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    amount: str = Field(
        max_length=32,
        description="The whole drawdown in the facility's currency; where the lead splits by "
        "itself, the partner's part.",
    )
    partner: Name | None = Field(
        None, description="Whose part it is; only where the lead splits by itself."
    )
    shares_on: date | None = Field(None, description="Whose shares split it; today's if left out.")
    hours: int = Field(24, ge=1, le=_MOST_HOURS, description="How long, from now on.")

    def asked(self, view: View) -> holds.PlaceHolds:
        now = datetime.now(UTC)
        asked = holds.PlaceHolds(
            self.facility,
            holds.drawdown_ref(view, self.facility, self.event_ref),
            self.amount,
            (self.shares_on or now.date()).toordinal(),
            int((now + timedelta(hours=self.hours)).timestamp()),
            self.partner,
        )
        holds.parts_asked(view, asked)
        return asked


class ReleaseHoldsIn(Asking):
    """Release what is held for a drawdown."""

    act: Literal["holds.release"]
    facility: FacilityId
    reference: str = Field(pattern="^[0-9a-f]{40}$", description="As GET /v1/holds has it.")
    partner: Name | None = Field(None, description="Only this partner's; else all of it.")

    def asked(self, view: View) -> holds.ReleaseHolds:
        found = holds.held(view, self.facility, bytes.fromhex(self.reference), self.partner)
        if not found:
            raise UsageFault(
                f"nothing is held for this drawdown of {self.facility}", remedy="Look at it again"
            )
        return holds.ReleaseHolds(found)
