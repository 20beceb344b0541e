"""Pairs, legs and resolutions as queries return them.

Amounts are minor units, unsigned unless said otherwise.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar, get_args

from app.domain.matching.pairs import BreakType

Item = TypeVar("Item")

MATCHED_TYPES = ("matched", "within_tolerance")
ONE_SIDED_TYPES = ("missing_at_partner", "missing_at_lead")
DUPLICATE_TYPES = ("duplicate_at_lead", "duplicate_at_partner")
BREAK_TYPES: tuple[BreakType, ...] = get_args(BreakType)


@dataclass(frozen=True, slots=True)
class Half:
    """One bank's posted leg: where it is on the chain, and what it says."""

    amount: int
    value_date: date
    business_date: date
    sequence: int
    index: int
    """Word index in the posting's stream."""
    posted_at: datetime
    reversed: bool


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a bank proposed to do about a break, and what became of it."""

    number: int
    """Order on the chain."""
    facility: str
    partner: str
    pair: int
    """The number of its pair."""
    kind: str
    event_ref: str | None
    reference: str
    target: str | None
    action: str
    """adjust, write_off, force or void"""
    side: str | None
    """Whose book an adjustment moves: lead or partner."""
    business_date: date
    """The day on which books move."""
    reason: str | None
    """None where it is not sealed for this node, or is not what was signed."""
    proposed_by: str
    proposed_at: datetime
    proposed_in: str
    """The transaction."""
    status: str
    """proposed, accepted, disputed, withdrawn or replaced"""
    decided_by: str | None
    decided_at: datetime | None
    decided_in: str | None
    dispute_reason: str | None
    lead_moved: int | None
    """What an acceptance moved, signed by effect on the reserve, as those that follow."""
    partner_moved: int | None
    agreed: int | None
    accepted_difference: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair, or a duplicate leg shown as a line of its own (one half, the other None)."""

    number: int
    """Order on the chain; the cursor of pages."""
    facility: str
    partner: str
    kind: str
    reference: str
    """The keyed hash on the chain, hex."""
    event_ref: str | None
    """None where the sealed details do not open here, or do not hash to the reference."""
    is_granted: bool
    """The name is as a bank's grant opens it: it stands by that bank's signature alone."""
    target: str | None
    """Reversals: `kind/event_ref` of the target, or `kind/#hash` where it is unknown."""
    target_of: tuple[int, bytes] | None
    """Reversals: kind and reference of the target, as they stand on the chain."""
    type: str
    """One of `PAIR_TYPES`."""
    lead: Half | None
    partner_half: Half | None
    first_posted_at: datetime
    due_at: datetime | None
    """Until when the other half should come; None for a duplicate leg."""
    overdue: bool
    rules_version: int | None
    shares_version: int | None
    agreed_business_date: date | None
    action: str | None
    """How the two banks resolved it: adjust, write_off, force or void; None = they did not."""
    resolved_at: datetime | None
    proposal: Resolution | None
    """The resolution that waits for the other bank."""

    @property
    def difference(self) -> int | None:
        """Partner's amount less the lead's; None when one-sided."""
        if self.lead is None or self.partner_half is None:
            return None
        return self.partner_half.amount - self.lead.amount


@dataclass(frozen=True, slots=True)
class Leg:
    """One posted leg (a lead's shared leg: one per partner's part).

    `status`: matched, within_tolerance, a type of break, open, or rejected; `reason` says why for
    the rejected, as `indexer.postings.REASONS`, with `part_` before it for one partner's part that
    the contract skipped. `transaction` and `block_number` are filled where legs alone are asked
    for.
    """

    number: int
    facility: str
    partner: str | None
    """None: a rejected leg of the lead that was for all partners."""
    bank: str
    side: str
    kind: str
    reference: str
    event_ref: str | None
    is_granted: bool
    target: str | None
    half: Half
    status: str
    reason: str | None
    transaction: str
    block_number: int


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`following`: give it as `before` for the next page; None on the last."""

    items: list[Item]
    following: int | None
