"""Facilities: terms and history."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import Connection

from app.domain.facility import Facility
from app.domain.money import format_amount
from app.presentation.common import Amount, AsOf, Model, as_of
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import AgreedFacility
from app.readmodel.facilities.history import ChangeRow, RulesRow, SharesRow, facility_history
from app.readmodel.values import to_date


class SharesOut(Model):
    principal: int = Field(examples=[8000])
    interest: int
    fee: int


class PartnerOut(Model):
    name: str = Field(examples=["huarui"])
    share_bps: SharesOut
    low_balance: Amount


class RulesOut(Model):
    amount_tolerance: Amount
    date_window_days: int
    match_deadline_hours: int


class BoundsOut(Model):
    """What every version of the shares keeps to, per component, in basis points."""

    least_lead_share_bps: int = Field(description="0 = no bound")
    largest_partner_share_bps: int = Field(description="0 = no bound")


class FacilityOut(Model):
    """A facility's first terms, as all its parties accepted (or were proposed) them."""

    id: str = Field(examples=["WLD-2016-A"])
    state: Literal["proposed", "active", "paused", "closed", "withdrawn"]
    waiting_for: list[str] = Field(description="Partners that have not accepted it yet.")
    lead: str = Field(examples=["webank"])
    currency: str = Field(examples=["CNY"])
    decimals: int = Field(examples=[2])
    time_zone: str = Field(examples=["Asia/Shanghai"])
    cut_off: str = Field(examples=["23:59:59"])
    split: Literal["contract", "lead"] = Field(
        description="Who splits the events of shared kinds; the lead's rows then name the partner."
    )
    first_day: date = Field(description="No date of a row is before it.")
    rules: RulesOut
    bounds: BoundsOut
    partners: list[PartnerOut]
    paused_by: list[str] = Field(description="Parties whose pause holds: nothing is posted.")


class SharesVersionOut(Model):
    version: int | None = Field(description="null = proposed")
    effective_from: date | None = Field(description="null = from the beginning of time")
    share_bps: dict[str, SharesOut] = Field(description="By partner; the rest is the lead's")


class RulesVersionOut(Model):
    version: int | None = Field(description="null = proposed")
    effective_from: date | None = Field(description="null = from the beginning of time")
    amount_tolerance: Amount
    date_window_days: int
    match_deadline_hours: float
    cut_off: str = Field(examples=["23:59:59"])


class ChangeOut(Model):
    """A change that a party proposed; it takes effect once every party has accepted it."""

    number: int
    kind: Literal["shares", "rules", "close"]
    state: Literal["open", "in_force", "withdrawn", "expired"]
    proposer: str
    proposed_at: datetime
    expires_at: datetime
    accepted_by: list[str]
    waits_for: list[str]
    decided_at: datetime | None
    version: int | None = Field(description="Of the shares or rules that it brought into force.")
    shares: SharesVersionOut | None
    rules: RulesVersionOut | None
    reason_hash: str = Field(description="keccak256 of the reason's salt and text")
    hash: str = Field(description="What a party signs by accepting it.")


class PauseOut(Model):
    """A party stopped the posting for the facility."""

    member: str
    reason_hash: str
    paused_at: datetime
    resumed_at: datetime | None
    resumed_by: str | None


class FacilityHistoryOut(FacilityOut):
    """A facility with all that was ever agreed, proposed or stopped, oldest first."""

    share_versions: list[SharesVersionOut]
    rule_versions: list[RulesVersionOut]
    changes: list[ChangeOut]
    pauses: list[PauseOut]
    as_of: AsOf | None


class FacilitiesOut(Model):
    """All facilities, oldest first."""

    items: list[FacilityOut]


def facility_out(agreed: AgreedFacility) -> FacilityOut:
    terms = agreed.terms
    return FacilityOut.of(
        terms,
        state=agreed.state,
        waiting_for=agreed.waiting_for,
        cut_off=terms.cut_off.isoformat(),
        first_day=to_date(terms.first_day),
        rules=RulesOut.of(
            terms.rules,
            amount_tolerance=format_amount(terms.rules.amount_tolerance, terms.decimals),
        ),
        paused_by=agreed.paused_by,
        partners=[
            PartnerOut.of(
                partner,
                share_bps=partner.shares,
                low_balance=format_amount(partner.low_balance, terms.decimals),
            )
            for partner in terms.partners
        ],
    )


def history_out(connection: Connection, agreed: AgreedFacility) -> FacilityHistoryOut:
    """A facility with all that was ever agreed, proposed or stopped."""
    history = facility_history(connection, directory(connection), agreed.number)
    terms = agreed.terms
    return FacilityHistoryOut(
        **facility_out(agreed).model_dump(),
        share_versions=[_shares(terms, one) for one in history.shares],
        rule_versions=[_rules(terms, one) for one in history.rules],
        changes=[_change(terms, one) for one in history.changes],
        pauses=[
            PauseOut.of(
                one,
                reason_hash="0x" + one.reason_hash.hex(),
                resumed_by=one.resumed_by or None,
            )
            for one in history.pauses
        ],
        as_of=as_of(connection),
    )


def _day(day: int) -> date | None:
    return date.fromordinal(day) if day else None


def _shares(terms: Facility, row: SharesRow) -> SharesVersionOut:
    return SharesVersionOut(
        version=row.version or None,
        effective_from=_day(row.effective_from),
        share_bps={
            partner.name: SharesOut.of(shares)
            for partner, shares in zip(terms.partners, row.shares, strict=True)
        },
    )


def _rules(terms: Facility, row: RulesRow) -> RulesVersionOut:
    return RulesVersionOut(
        version=row.version or None,
        effective_from=_day(row.effective_from),
        amount_tolerance=format_amount(row.amount_tolerance, terms.decimals),
        date_window_days=row.date_window_days,
        match_deadline_hours=row.match_deadline_seconds / 3600,
        cut_off=row.cut_off.isoformat(),
    )


def _change(terms: Facility, row: ChangeRow) -> ChangeOut:
    return ChangeOut.of(
        row,
        shares=row.shares and _shares(terms, row.shares),
        rules=row.rules and _rules(terms, row.rules),
        reason_hash="0x" + row.reason_hash.hex(),
        hash="0x" + row.hash.hex(),
    )
