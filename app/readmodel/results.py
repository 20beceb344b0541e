"""What the queries answer with. Amounts are minor units, unsigned unless said otherwise."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar

Item = TypeVar("Item")

MATCHED_TYPES = ("matched", "within_tolerance")
ONE_SIDED_TYPES = ("missing_at_partner", "missing_at_lead")
DUPLICATE_TYPES = ("duplicate_at_lead", "duplicate_at_partner")
BREAK_TYPES = ("amount", "date", "amount_and_date", *ONE_SIDED_TYPES, *DUPLICATE_TYPES)
TYPES = (*MATCHED_TYPES, *BREAK_TYPES)
"""The JSON keys of INTERFACES, in their order."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last block that the read model holds."""

    block_number: int
    block_hash: str
    block_time: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A bank, auditor or regulator. `role`: lead, partner, auditor or regulator."""

    number: int
    name: str
    role: str
    operator: str
    approver: str
    sealing_key: bytes


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner of a facility. `low_balance`: the alert threshold, minor units."""

    number: int
    member: int
    name: str
    low_balance: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility as the chain has it; `lead`: the bank's name.

    `state`: proposed, active, paused, closed or withdrawn.
    """

    number: int
    id: str
    lead: str
    lead_member: int
    currency: str
    decimals: int
    time_zone: str
    state: str
    partners: tuple[Partner, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """The sums of one reserve account, signed by effect on the reserve."""

    lead_book: int
    partner_book: int
    agreed: int
    open_lead: int
    open_partner: int
    accepted_difference: int


@dataclass(frozen=True, slots=True)
class Balance:
    """One reserve account.

    `proof` is the part of the difference between the contract's two books that open legs and
    accepted differences do not explain, these summed row by row in the read model: it must be 0.
    None while the contract's books were not read since the account last moved (catching up).
    """

    facility: str
    partner: str
    currency: str
    decimals: int
    books: Books
    """Kept leg by leg by the indexer, outside the contract."""
    contract: Books | None
    """The contract's own; None before they were first read."""
    proof: int | None
    low_balance: int
    held: int
    """What active holds set aside."""
    closed_through: date | None
    """The last closed business day."""
    counts: dict[str, int]
    """Pairs and duplicate legs by type (`TYPES`); a resolved pair stays under the type with which
    it broke."""
    resolved: dict[str, int]
    """Those of them that the two banks have resolved."""
    overdue: int
    """One-sided pairs past their deadline at the cursor's block."""
    last_block: int
    """The block that last moved the account; 0 = none yet."""

    @property
    def open_legs(self) -> int:
        """Halves that are open: one of a one-sided pair, both of an unresolved break."""
        counts = self.open_counts
        one_sided = counts["missing_at_partner"] + counts["missing_at_lead"]
        broken = counts["amount"] + counts["date"] + counts["amount_and_date"]
        return one_sided + 2 * broken

    @property
    def breaks(self) -> int:
        """Pairs and duplicate legs that are breaks, one-sided ones included, unless resolved."""
        return sum(self.open_counts[name] for name in BREAK_TYPES)

    @property
    def open_counts(self) -> dict[str, int]:
        """`counts` without what was resolved."""
        return {name: count - self.resolved.get(name, 0) for name, count in self.counts.items()}

    @property
    def balance(self) -> int:
        """The smaller book: what no bank disputes to be there. Alerts go by it."""
        books = self.contract or self.books
        return min(books.lead_book, books.partner_book)

    @property
    def available(self) -> int:
        """The balance less the active holds, stated low on purpose."""
        return self.balance - self.held

    @property
    def low(self) -> bool:
        return self.balance < self.low_balance

    @property
    def shortfall(self) -> int:
        """How far the balance is below zero; 0 when it is not."""
        return max(0, -self.balance)


@dataclass(frozen=True, slots=True)
class Half:
    """One bank's posted leg: where it stands on the chain, and what it says."""

    amount: int
    value_date: date
    business_date: date
    sequence: int
    index: int
    """Word index in the posting's stream."""
    posted_at: datetime
    reversed: bool


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
    target: str | None
    """Reversals: `kind/event_ref` of the target, or `kind/#hash` where it is unknown."""
    target_of: tuple[int, bytes] | None
    """Reversals: kind and reference of the target, as they stand on the chain."""
    type: str
    """One of `TYPES`."""
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
    proposal: "Resolution | None"
    """The resolution that waits for the other bank."""

    @property
    def difference(self) -> int | None:
        """Partner's amount less the lead's; None when one-sided."""
        if self.lead is None or self.partner_half is None:
            return None
        return self.partner_half.amount - self.lead.amount


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
class Leg:
    """One posted leg (a lead's shared leg: one per partner's part).

    `status`: matched, within_tolerance, a type of break, open, or rejected; `reason` says why for
    the rejected.
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
    target: str | None
    half: Half
    status: str
    reason: str | None
    transaction: str
    block_number: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """A leg that the contract rejected. `reason`: as `indexer.decode.REASONS`."""

    number: int
    facility: str
    partner: str | None
    bank: str
    side: str
    kind: str
    reference: str
    event_ref: str | None
    target: str | None
    reason: str
    half: Half


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`following`: give it as `before` for the next page; None on the last."""

    items: list[Item]
    following: int | None


@dataclass(frozen=True, slots=True)
class BookMovements:
    """One book of one account between two business dates: opening + movements = closing."""

    opening: int
    movements: dict[str, int] = field(default_factory=dict)
    """Kind to the sum of its effects; kinds without a leg are absent."""

    @property
    def closing(self) -> int:
        return self.opening + sum(self.movements.values())


@dataclass(frozen=True, slots=True)
class AccountMovements:
    """The three books of one account. `counts`: pairs and duplicate legs whose business date (the
    lead half's, or else the partner half's) lies between the dates, by type."""

    partner: str
    lead_book: BookMovements
    partner_book: BookMovements
    agreed: BookMovements
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Incident:
    """What should not happen, and did. `noticed_at` by this node's clock."""

    what: str
    place: str
    block: int
    noticed_at: datetime
