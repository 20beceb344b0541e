"""An accepted event as a leg with its sealed details, and back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import orjson

from app.db.vault import Vault
from app.domain.events import ParsedEvent, Quarantined
from app.domain.identifiers import reference
from app.domain.kinds import Kind
from app.domain.legs import Leg
from app.domain.money import format_amount
from app.intake.judge import plain_content
from app.intake.validation import Validator
from app.outbox.facility import PostingFacility

_VALUES = 7
"""How many a leg's sealed details are."""


class WaitingEvent(NamedTuple):
    """What is read of an accepted event to post it: columns of `events`, in this order."""

    id: int
    kind: int
    partner: int
    amount: int
    value_day: int
    business_day: int
    shares_day: int
    event_ref: str
    target_kind: int | None
    target_ref: str | None
    duplicate_leg: bool
    event_id: str
    booked_at: str
    details: bytes | None


def leg_of(row: WaitingEvent, facility: PostingFacility) -> Leg:
    """What is posted of an accepted event."""
    key = facility.reference_key
    return Leg(
        kind=row.kind,
        partner=row.partner,
        amount=row.amount,
        value_day=row.value_day,
        business_day=row.business_day,
        shares_day=row.shares_day,
        reference=reference(key, row.event_ref),
        duplicate=row.duplicate_leg,
        target_kind=row.target_kind or 0,
        target_reference=reference(key, row.target_ref) if row.target_ref else b"",
    )


def details_of(row: WaitingEvent, vault: Vault) -> list[Any]:
    """What is sealed of it, for the facility's readers."""
    details = orjson.loads(vault.open(row.details)) if row.details else {}
    return [
        row.event_ref,
        row.target_ref,
        row.event_id,
        row.booked_at,
        details.get("loan_ref"),
        details.get("borrower_ref"),
        details.get("memo"),
    ]


def event_of(
    row: int,
    leg: Leg,
    details: Sequence[Any],
    facility: PostingFacility,
    validator: Validator,
) -> ParsedEvent | None:
    """The event that a leg was made of; None where its details do not belong to it."""
    if len(details) < _VALUES:
        return None
    event_ref, target_ref, event_id, booked_at, loan_ref, borrower_ref, memo = details[:_VALUES]
    terms = validator.facility
    try:
        kind = Kind(leg.kind)
        is_its = reference(facility.reference_key, event_ref) == leg.reference
        reverses = None
        if kind is Kind.REVERSAL:
            is_its = is_its and (
                reference(facility.reference_key, target_ref) == leg.target_reference
            )
            reverses = f"{Kind(leg.target_kind).feed_name}/{target_ref}"
        by_lead = validator.sender == terms.lead
        judged = validator.check_object(
            row,
            {
                "event_id": event_id,
                "facility": terms.id,
                "event_ref": event_ref,
                "kind": kind.feed_name,
                "amount": format_amount(leg.amount, terms.decimals),
                "currency": terms.currency,
                "value_date": date.fromordinal(leg.value_day).isoformat(),
                "booked_at": booked_at,
                "partner": terms.partners[leg.partner - 1].name
                if by_lead and leg.partner
                else None,
                "reverses": reverses,
                "shares_on": date.fromordinal(leg.shares_day).isoformat()
                if leg.shares_day
                else None,
                "loan_ref": loan_ref,
                "borrower_ref": borrower_ref,
                "memo": memo,
            },
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None  # whoever held the key may have sealed anything
    if not is_its or isinstance(judged, Quarantined):
        return None
    return replace(judged, content=plain_content(judged))
