"""The facility: a joint-lending agreement. Its file is parsed by `app.domain.facility_file`.

Amounts are minor units, shares basis points, days `date.toordinal()`.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config

from app.domain.business_date import (
    BusinessCalendar,
    business_calendar,
    known_zone,
    zone_or_utc,
)
from app.domain.currencies import currency_decimals
from app.domain.kinds import Component, Kind
from app.domain.matching.splits import WHOLE_BPS, part

MAX_PARTNERS = 254
"""As many as the chain's partner numbers (1 to 254) can name."""

MAX_NAME = 64
"""Most characters of a facility's id or a bank's name."""

BasisPoints = Annotated[int, Field(strict=True, ge=0, le=WHOLE_BPS)]

EARLIEST_DAY = date(1980, 1, 1).toordinal()
"""No date of a row is before it: such dates are the empty ones of some system."""

_LAST_DAY = date.max.toordinal() - 1
"""The last day that begins in every time zone."""

Split = Literal["contract", "lead"]
"""Who splits the events of shared kinds: the contract by the shares, or the lead's core banking,
whose rows then name the partner and state its part."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Shares:
    """A partner's shares per component."""

    principal: BasisPoints
    interest: BasisPoints
    fee: BasisPoints

    def of(self, component: Component) -> int:
        if component is Component.PRINCIPAL:
            return self.principal
        return self.interest if component is Component.INTEREST else self.fee


@dataclass(frozen=True, slots=True)
class Rules:
    """When two halves match; the first version of them."""

    amount_tolerance: int
    """Minor units, per leg."""
    date_window_days: int
    match_deadline_hours: int


@dataclass(frozen=True, slots=True)
class Partner:
    """`number` is permanent: the place in the facility's list, from 1."""

    number: int
    name: str
    shares: Shares
    low_balance: int
    """Minor units; a reserve below it is shown and alerted."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Bounds:
    """What every version of the shares keeps to, per component; 0 = no bound."""

    least_lead_share_bps: BasisPoints = 0
    largest_partner_share_bps: BasisPoints = 0


@dataclass(frozen=True, slots=True)
class SharesVersion:
    """Later shares: of each partner, in their order, for the days from `effective_from` on."""

    effective_from: int
    shares: tuple[Shares, ...]


@dataclass(frozen=True, slots=True)
class CutOffVersion:
    """A later cut-off, for the local dates from `effective_from` on."""

    effective_from: int
    cut_off: time


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility as its file states it, and the versions agreed since, oldest first.

    No date of a row is before `first_day`.
    """

    id: str
    lead: str
    currency: str
    decimals: int
    time_zone: str
    cut_off: time
    rules: Rules
    partners: tuple[Partner, ...]
    bounds: Bounds = Bounds()
    split: Split = "contract"
    first_day: int = EARLIEST_DAY
    later_shares: tuple[SharesVersion, ...] = ()
    later_cut_offs: tuple[CutOffVersion, ...] = ()

    @property
    def zone(self) -> tzinfo:
        """UTC where this machine does not know the facility's time zone."""
        return zone_or_utc(self.time_zone)

    @property
    def unworkable(self) -> str | None:
        """Why no row can be judged by these terms, which the lead may have proposed as it liked:
        the contracts know no time zones and no calendar. None where each can."""
        if known_zone(self.time_zone) is None:
            return f"{self.time_zone!r} is no time zone that this machine knows"
        if self.first_day > _LAST_DAY:
            return "its first day is after the year 9999"
        return None

    @property
    def odd_currency(self) -> str | None:
        """How its currency or decimals are other than ISO 4217's; None where they are those."""
        try:
            decimals = currency_decimals(self.currency)
        except ValueError as fault:
            return str(fault)
        if decimals != self.decimals:
            return f"{self.currency} has {decimals} decimals, and not {self.decimals}"
        return None

    @property
    def banks(self) -> tuple[str, ...]:
        """The lead first, then the partners in their order."""
        return (self.lead, *(partner.name for partner in self.partners))

    def partner(self, name: str) -> Partner | None:
        """The partner of that name; None if there is none (or it is the lead's)."""
        return next((partner for partner in self.partners if partner.name == name), None)

    def shares_of(self, partner_number: int, component: Component, day: int) -> int:
        """A partner's share in basis points for an event whose shares are those of `day`."""
        for version in reversed(self.later_shares):
            if day >= version.effective_from:
                return version.shares[partner_number - 1].of(component)
        return self.partners[partner_number - 1].shares.of(component)

    def parts(self, kind: Kind, amount: int, shares_day: int) -> tuple[int, ...]:
        """The parts of a shared event in the partners' order, by the shares of a day; the lead
        keeps the rest."""
        component = kind.component
        if component is None:
            raise ValueError(f"{kind.feed_name} is not split")
        return tuple(
            part(amount, self.shares_of(partner.number, component, shares_day))
            for partner in self.partners
        )

    def business_day(self, booked_at: datetime) -> int:
        """The business date of an instant: the first local date whose cut-off is not before it.

        The day after 9999-12-31 has a number like any other. Raises OverflowError for an instant
        that has no date in the facility's time zone.
        """
        return self.calendar.business_day(booked_at)

    @property
    def calendar(self) -> BusinessCalendar:
        """The cut-offs by which an instant has a business date."""
        later = tuple((one.effective_from, one.cut_off) for one in self.later_cut_offs)
        return business_calendar(self.time_zone, self.cut_off, later)
