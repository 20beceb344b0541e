"""Pairs, legs, rejections, resolutions and suggestions."""

from datetime import date, datetime

from pydantic import Field

from app.domain.kinds import BY_FEED_NAME
from app.domain.matching import pairs as matching
from app.domain.matching.outcomes import Outcome, outcome
from app.domain.resolutions import Action, Side
from app.locale import _, said
from app.presentation.common import Amount, Currency, Model, Money
from app.readmodel.pairs.shapes import Half, Leg, Pair, Resolution
from app.readmodel.pairs.suggestions import Suggestion


def action_text(action: str, side: str | None) -> str:
    """What is proposed about a break, in words; `side`: whose book an adjustment moves."""
    text = action.replace("_", " ")
    if not side:
        return said(text)
    return _("%(action)s at the %(side)s", action=said(text), side=said(side))


def kind_text(kind: str, target: str | None) -> str:
    """A kind of event in words; `target`: what a reversal or correction is of."""
    text = said(kind.replace("_", " "))
    return _("%(kind)s of %(target)s", kind=text, target=target) if target else text


class HalfOut(Model):
    """One bank's leg, where it is on the chain and what it says."""

    amount: Amount
    value_date: date
    business_date: date
    sequence: int
    index: int = Field(description="Word index in the posting's stream.")
    posted_at: datetime
    reversed: bool


class ResolutionOut(Model):
    """What a bank proposed to do about a break, and what became of it."""

    number: int
    facility: str
    partner: str
    pair: int = Field(description="The number of the break.")
    kind: str
    event_ref: str | None
    reference: str
    target: str | None
    action: str = Field(description="adjust, write_off, force or void", examples=["adjust"])
    side: str | None = Field(
        description="Whose book an adjustment moves to the other's amount: lead or partner."
    )
    business_date: date = Field(description="On which books move.")
    reason: str | None = Field(
        description="Null where it is not sealed for this node, or is not what was signed."
    )
    proposed_by: str
    proposed_at: datetime
    proposed_in: str = Field(description="The transaction.")
    status: str = Field(
        description="proposed, accepted, disputed, withdrawn or replaced", examples=["proposed"]
    )
    decided_by: str | None
    decided_at: datetime | None
    decided_in: str | None
    dispute_reason: str | None
    currency: str
    lead_moved: str | None = Field(
        description="What an acceptance moved in the lead's book, signed by its effect."
    )
    partner_moved: str | None
    agreed: str | None = Field(description="What is agreed by it.")
    accepted_difference: str | None = Field(description="Partner's less lead's amount.")


class PairOut(Model):
    """A pair of halves; or a one-sided leg, or a duplicate leg, with one half null."""

    number: int
    facility: str
    partner: str
    kind: str
    event_ref: str | None = Field(description="Null where this node cannot open the details.")
    event_ref_is_granted: bool = Field(
        description="A bank opened the name by a grant: it stands by that bank's signature."
    )
    reference: str = Field(description="The keyed hash on the chain, hex.")
    target: str | None = Field(description="Reversals: `kind/event_ref` of the target.")
    type: str = Field(examples=["missing_at_partner"])
    currency: str
    lead_leg: HalfOut | None
    partner_leg: HalfOut | None
    difference: str | None = Field(
        description="Partner's amount less the lead's; null when one-sided.", examples=["-0.01"]
    )
    first_posted_at: datetime
    due_at: datetime | None
    overdue: bool
    rules_version: int | None
    shares_version: int | None
    agreed_business_date: date | None
    resolution: str | None = Field(
        description="How the two banks have resolved it (adjust, write_off, force or void); the "
        "type stays what it was."
    )
    resolved_at: datetime | None
    proposal: ResolutionOut | None = Field(
        description="The resolution that waits for the other bank."
    )


class LegOut(Model):
    """One posted leg (a lead's shared leg: one for each partner's part)."""

    number: int
    facility: str
    partner: str | None = Field(description="Null: a rejected leg of the lead for all partners.")
    bank: str
    side: str
    kind: str
    event_ref: str | None
    event_ref_is_granted: bool
    reference: str
    target: str | None
    currency: str
    leg: HalfOut
    status: str
    reason: str | None = Field(description="Why, when the contract rejected it.")
    transaction: str
    block: int


class RejectionOut(Model):
    """A leg that the contract rejected, or one partner's part of it that it skipped."""

    number: int
    facility: str
    partner: str | None
    bank: str
    side: str
    kind: str
    event_ref: str | None
    event_ref_is_granted: bool
    reference: str
    target: str | None
    currency: str
    leg: HalfOut
    reason: str = Field(
        examples=["duplicate"],
        description="Why; with `part_` before it where the leg's other parts are booked.",
    )


class FactorOut(Model):
    """One reason for or against."""

    name: str = Field(description="reference, amount, date, kind or loan", examples=["reference"])
    points: int = Field(description="Basis points: 10,000 speaks wholly for it.", examples=[10_000])
    weight: int = Field(description="How much it weighs among the others.", examples=[4_500])
    because: str = Field(examples=["differ only in full-width or compatibility forms"])


class SuggestionOut(Model):
    """Evidence for people of both banks, who decide; nothing is matched or resolved by it."""

    score: int = Field(
        description="Basis points: the weighted mean of the factors' points, rounded down.",
        examples=[9_250],
    )
    factors: list[FactorOut]
    lead: PairOut = Field(description="The lead's leg (`missing_at_partner`).")
    partner: PairOut = Field(description="The partner's leg (`missing_at_lead`).")


def _half(half: Half | None, currency: Currency) -> HalfOut | None:
    return None if half is None else HalfOut.of(half, amount=currency.amount(half.amount))


def resolution_out(resolution: Resolution, money: Money) -> ResolutionOut:
    currency = money[resolution.facility]
    return ResolutionOut.of(
        resolution,
        currency=currency.code,
        lead_moved=currency.optional(resolution.lead_moved),
        partner_moved=currency.optional(resolution.partner_moved),
        agreed=currency.optional(resolution.agreed),
        accepted_difference=currency.optional(resolution.accepted_difference),
    )


def pair_out(pair: Pair, money: Money) -> PairOut:
    currency = money[pair.facility]
    return PairOut.of(
        pair,
        event_ref_is_granted=pair.is_granted,
        currency=currency.code,
        lead_leg=_half(pair.lead, currency),
        partner_leg=_half(pair.partner_half, currency),
        difference=currency.optional(pair.difference),
        resolution=pair.action,
        proposal=None if pair.proposal is None else resolution_out(pair.proposal, money),
    )


def leg_out(leg: Leg, money: Money) -> LegOut:
    return LegOut.of(leg, **_of_leg(leg, money), block=leg.block_number)


def rejection_out(leg: Leg, money: Money) -> RejectionOut:
    return RejectionOut.of(leg, **_of_leg(leg, money))


def _of_leg(leg: Leg, money: Money) -> dict[str, object]:
    currency = money[leg.facility]
    half = _half(leg.half, currency)
    return {"event_ref_is_granted": leg.is_granted, "currency": currency.code, "leg": half}


def suggestion_out(suggestion: Suggestion, money: Money) -> SuggestionOut:
    return SuggestionOut.of(
        suggestion,
        score=suggestion.score.points,
        factors=suggestion.score.factors,
        lead=pair_out(suggestion.lead, money),
        partner=pair_out(suggestion.partner, money),
    )


def outcome_of(pair: Pair, action: Action, side: Side | None) -> Outcome:
    """By the same rules as the contract's."""
    judged = matching.Pair(
        kind=int(BY_FEED_NAME[pair.kind]),
        target_kind=0 if pair.target_of is None else pair.target_of[0],
        lead=_judged(pair.lead),
        partner=_judged(pair.partner_half),
    )
    return outcome(judged, action, side)


def _judged(half: Half | None) -> matching.Half | None:
    if half is None:
        return None
    return matching.Half(half.amount, half.value_date.toordinal(), half.business_date.toordinal())
