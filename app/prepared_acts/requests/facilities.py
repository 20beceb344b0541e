"""Acts about a facility's terms."""

from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import Field

from app.actions import facilities
from app.actions.view import View
from app.domain.errors import UsageFault
from app.domain.facility_changes import next_shares, parse_share
from app.domain.facility_file import facility_of
from app.domain.numbers import LARGEST_SMALL
from app.domain.reasons import checked_reason
from app.prepared_acts.requests.shared import (
    Asking,
    FacilityId,
    Hash,
    Name,
    ReasonText,
    check_shown,
)

_Change = Annotated[int, Field(ge=1, le=LARGEST_SMALL, description="The change's number.")]
_FirstDay = Annotated[
    date, Field(description="The first day it applies to: more than 30 days after the chain's.")
]


class _OfFacility(Asking):
    facility: FacilityId


class ProposeFacilityIn(Asking):
    """Propose a facility as its lead; it is in force once every partner has accepted it."""

    act: Literal["facilities.propose"]
    terms: dict[str, Any] = Field(
        description="Its terms, by the keys of the facility file; checked as the file is."
    )

    def asked(self, view: View) -> facilities.ProposeFacility:
        terms = facility_of(self.terms, where="terms")
        facilities.parties_asked(view, terms)
        known = view.names().facility(terms.id)
        if known is not None and known.state != "withdrawn":
            raise UsageFault(
                f"there is a facility {terms.id}, led by {known.lead}", remedy="Choose another id"
            )
        return facilities.ProposeFacility(terms)


class AcceptFacilityIn(_OfFacility):
    """Accept, as a partner, a facility that is proposed, on the terms that were shown."""

    act: Literal["facilities.accept"]
    terms_hash: Hash

    def asked(self, view: View) -> facilities.AcceptFacility:
        shown = bytes.fromhex(self.terms_hash[2:])
        check_shown(view.facility(self.facility).terms_hash == shown)
        return facilities.AcceptFacility(self.facility, shown)


class DeclineFacilityIn(_OfFacility):
    """Decline, as a partner, a facility that is only proposed."""

    act: Literal["facilities.decline"]
    reason: ReasonText

    def asked(self, view: View) -> facilities.DeclineFacility:
        checked_reason(self.reason)
        return facilities.DeclineFacility(self.facility, self.reason)


class WithdrawFacilityIn(_OfFacility):
    """Take back, as its lead, a facility that is only proposed."""

    act: Literal["facilities.withdraw"]

    def asked(self, view: View) -> facilities.WithdrawFacility:
        return facilities.WithdrawFacility(self.facility)


class ProposeSharesIn(_OfFacility):
    """Propose a version of the shares; who is not named keeps what it has."""

    act: Literal["facilities.propose_shares"]
    first_day: _FirstDay
    shares: list[Annotated[str, Field(max_length=100)]] = Field(
        min_length=1,
        max_length=254,
        description="NAME=BPS, or NAME=PRINCIPAL/INTEREST/FEE in basis points.",
    )
    reason: ReasonText

    def asked(self, view: View) -> facilities.ProposeShares:
        checked_reason(self.reason)
        named = dict(parse_share(one) for one in self.shares)
        known, history = facilities.with_history(view, self.facility)
        partners = [one.name for one in known.terms.partners]
        next_shares(partners, history.shares[-1].shares, named)
        return facilities.ProposeShares(
            self.facility, self.first_day.toordinal(), named, self.reason
        )


class ProposeRulesIn(_OfFacility):
    """Propose a version of the rules; what is left out stays as it is."""

    act: Literal["facilities.propose_rules"]
    first_day: _FirstDay
    tolerance: str | None = Field(
        None, max_length=32, description="In the facility's currency, as 0.05."
    )
    window_days: int | None = Field(None, ge=0, le=65_535)
    deadline_hours: int | None = Field(None, ge=0, le=1_193_046)
    cut_off: time | None = Field(None, description="Local time, as 18:00:00.")
    reason: ReasonText

    def asked(self, view: View) -> facilities.ProposeRules:
        checked_reason(self.reason)
        cut_off = self.cut_off
        asked = facilities.ProposeRules(
            self.facility,
            self.first_day.toordinal(),
            self.tolerance,
            self.window_days,
            None if self.deadline_hours is None else self.deadline_hours * 3600,
            None if cut_off is None else time(cut_off.hour, cut_off.minute, cut_off.second),
            self.reason,
        )
        facilities.rules_asked(view, asked)
        return asked


class ProposeCloseIn(_OfFacility):
    """Propose to close it for ever, once all have accepted and nothing is open or held."""

    act: Literal["facilities.propose_close"]
    reason: ReasonText

    def asked(self, view: View) -> facilities.ProposeClose:
        checked_reason(self.reason)
        return facilities.ProposeClose(self.facility, self.reason)


class AcceptChangeIn(_OfFacility):
    """Accept a change of the content that was shown."""

    act: Literal["facilities.accept_change"]
    change: _Change
    change_hash: Hash

    def asked(self, view: View) -> facilities.AcceptChange:
        asked = facilities.AcceptChange(
            self.facility, self.change, bytes.fromhex(self.change_hash[2:])
        )
        facilities.check_change(view, asked)
        return asked


class EnactChangeIn(_OfFacility):
    """Bring a change into force that only waits for a party that is gone."""

    act: Literal["facilities.enact_change"]
    change: _Change
    change_hash: Hash

    def asked(self, view: View) -> facilities.EnactChange:
        asked = facilities.EnactChange(
            self.facility, self.change, bytes.fromhex(self.change_hash[2:])
        )
        facilities.check_change(view, asked)
        return asked


class WithdrawChangeIn(_OfFacility):
    """Take this bank's own change back."""

    act: Literal["facilities.withdraw_change"]
    change: _Change

    def asked(self, view: View) -> facilities.WithdrawChange:
        return facilities.WithdrawChange(self.facility, self.change)


class PauseFacilityIn(_OfFacility):
    """Stop the posting, until this bank resumes, or after 7 days another party."""

    act: Literal["facilities.pause"]
    reason: ReasonText

    def asked(self, view: View) -> facilities.PauseFacility:
        checked_reason(self.reason)
        return facilities.PauseFacility(self.facility, self.reason)


class ResumeFacilityIn(_OfFacility):
    """Lift a pause: this bank's own, or after 7 days another party's."""

    act: Literal["facilities.resume"]
    of: Name | None = Field(None, description="Whose pause; this bank's own if left out.")

    def asked(self, view: View) -> facilities.ResumeFacility:
        return facilities.ResumeFacility(self.facility, self.of)
