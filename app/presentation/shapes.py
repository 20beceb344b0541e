"""From the read model's results to the shapes of the REST face (and of the commands' `--json`)."""

from collections.abc import Mapping

from sqlalchemy import Connection

from app.domain.facility import Shares
from app.domain.money import format_amount
from app.presentation.models import (
    AsOf,
    BalanceOut,
    BoundsOut,
    FacilityOut,
    HalfOut,
    LegOut,
    PairOut,
    PartnerOut,
    RejectionOut,
    ResolutionOut,
    RulesOut,
    SharesOut,
)
from app.readmodel import queries
from app.readmodel.directory import directory
from app.readmodel.facilities import AgreedFacility
from app.readmodel.results import Balance, Half, Leg, Pair, Rejection, Resolution

Money = Mapping[str, tuple[str, int]]
"""Currency and decimals by facility id."""


def money_of(connection: Connection) -> Money:
    """The currencies of all facilities of this view."""
    return {
        one.id: (one.currency, one.decimals) for one in directory(connection).facilities.values()
    }


def as_of(connection: Connection) -> AsOf | None:
    cursor = queries.cursor(connection)
    if cursor is None:
        return None
    return AsOf(block=cursor.block_number, hash=cursor.block_hash, time=cursor.block_time)


def shares_out(shares: Shares) -> SharesOut:
    return SharesOut(principal=shares.principal, interest=shares.interest, fee=shares.fee)


def facility_out(agreed: AgreedFacility) -> FacilityOut:
    terms = agreed.terms
    return FacilityOut(
        id=terms.id,
        state=agreed.state,
        waiting_for=list(agreed.waiting_for),
        lead=terms.lead,
        currency=terms.currency,
        decimals=terms.decimals,
        time_zone=terms.time_zone,
        cut_off=terms.cut_off.isoformat(),
        rules=RulesOut(
            amount_tolerance=format_amount(terms.rules.amount_tolerance, terms.decimals),
            date_window_days=terms.rules.date_window_days,
            match_deadline_hours=terms.rules.match_deadline_hours,
        ),
        bounds=BoundsOut(
            least_lead_share_bps=terms.bounds.least_lead_share_bps,
            largest_partner_share_bps=terms.bounds.largest_partner_share_bps,
        ),
        paused_by=list(agreed.paused_by),
        partners=[
            PartnerOut(
                name=partner.name,
                share_bps=shares_out(partner.shares),
                low_balance=format_amount(partner.low_balance, terms.decimals),
            )
            for partner in terms.partners
        ],
    )


def balance_out(account: Balance) -> BalanceOut:
    books = account.contract or account.books

    def amount(minor: int) -> str:
        return format_amount(minor, account.decimals)

    return BalanceOut(
        facility=account.facility,
        partner=account.partner,
        currency=account.currency,
        lead_book=amount(books.lead_book),
        partner_book=amount(books.partner_book),
        agreed=amount(books.agreed),
        proof=None if account.proof is None else amount(account.proof),
        open_lead=amount(books.open_lead),
        open_partner=amount(books.open_partner),
        accepted_difference=amount(books.accepted_difference),
        open_legs=account.open_legs,
        pairs=account.counts,
        overdue=account.overdue,
        low_balance=amount(account.low_balance),
        held=amount(account.held),
        available=amount(account.available),
        closed_through=account.closed_through,
        low=account.low,
        shortfall=amount(account.shortfall),
        last_block=account.last_block,
    )


def _half(half: Half | None, decimals: int) -> HalfOut | None:
    if half is None:
        return None
    return HalfOut(
        amount=format_amount(half.amount, decimals),
        value_date=half.value_date,
        business_date=half.business_date,
        sequence=half.sequence,
        index=half.index,
        posted_at=half.posted_at,
        reversed=half.reversed,
    )


def resolution_out(resolution: Resolution, money: Money) -> ResolutionOut:
    currency, decimals = money[resolution.facility]

    def amount(minor: int | None) -> str | None:
        return None if minor is None else format_amount(minor, decimals)

    return ResolutionOut(
        number=resolution.number,
        facility=resolution.facility,
        partner=resolution.partner,
        pair=resolution.pair,
        kind=resolution.kind,
        event_ref=resolution.event_ref,
        reference=resolution.reference,
        target=resolution.target,
        action=resolution.action,
        side=resolution.side,
        business_date=resolution.business_date,
        reason=resolution.reason,
        proposed_by=resolution.proposed_by,
        proposed_at=resolution.proposed_at,
        proposed_in=resolution.proposed_in,
        status=resolution.status,
        decided_by=resolution.decided_by,
        decided_at=resolution.decided_at,
        decided_in=resolution.decided_in,
        dispute_reason=resolution.dispute_reason,
        currency=currency,
        lead_moved=amount(resolution.lead_moved),
        partner_moved=amount(resolution.partner_moved),
        agreed=amount(resolution.agreed),
        accepted_difference=amount(resolution.accepted_difference),
    )


def pair_out(pair: Pair, money: Money) -> PairOut:
    currency, decimals = money[pair.facility]
    difference = pair.difference
    return PairOut(
        number=pair.number,
        facility=pair.facility,
        partner=pair.partner,
        kind=pair.kind,
        event_ref=pair.event_ref,
        reference=pair.reference,
        target=pair.target,
        type=pair.type,
        currency=currency,
        lead_leg=_half(pair.lead, decimals),
        partner_leg=_half(pair.partner_half, decimals),
        difference=None if difference is None else format_amount(difference, decimals),
        first_posted_at=pair.first_posted_at,
        due_at=pair.due_at,
        overdue=pair.overdue,
        rules_version=pair.rules_version,
        shares_version=pair.shares_version,
        agreed_business_date=pair.agreed_business_date,
        resolution=pair.action,
        resolved_at=pair.resolved_at,
        proposal=None if pair.proposal is None else resolution_out(pair.proposal, money),
    )


def leg_out(leg: Leg, money: Money) -> LegOut:
    currency, decimals = money[leg.facility]
    half = _half(leg.half, decimals)
    assert half is not None
    return LegOut(
        number=leg.number,
        facility=leg.facility,
        partner=leg.partner,
        bank=leg.bank,
        side=leg.side,
        kind=leg.kind,
        event_ref=leg.event_ref,
        reference=leg.reference,
        target=leg.target,
        currency=currency,
        leg=half,
        status=leg.status,
        reason=leg.reason,
        transaction=leg.transaction,
        block=leg.block_number,
    )


def rejection_out(leg: Rejection, money: Money) -> RejectionOut:
    currency, decimals = money[leg.facility]
    half = _half(leg.half, decimals)
    assert half is not None
    return RejectionOut(
        number=leg.number,
        facility=leg.facility,
        partner=leg.partner,
        bank=leg.bank,
        side=leg.side,
        kind=leg.kind,
        event_ref=leg.event_ref,
        reference=leg.reference,
        target=leg.target,
        currency=currency,
        leg=half,
        reason=leg.reason,
    )
