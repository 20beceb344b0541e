"""What the postings of a range of blocks change in the read model."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain.resolutions import Action, Side
from app.indexer.state import Account, StoredPair

CURVE_STEP_S = 300
"""How far apart the points of an account's curve are, at least."""


class PostingRow(NamedTuple):
    """A row of the table `postings`."""

    facility: int
    member: int
    sequence: int
    tx_hash: bytes
    block_number: int
    block_time: int
    legs: int
    rejected: int
    digest: bytes
    details: str


class SealedPosting(NamedTuple):
    """A row of the table `sealed_postings`."""

    facility: int
    member: int
    sequence: int
    legs: bytes
    sealed: bytes


class Rejection(NamedTuple):
    """A row of the table `rejections`; its column `index` is `word` here."""

    number: int
    facility: int
    partner: int
    member: int
    sequence: int
    word: int
    reason: str
    side: str
    kind: int
    ref: bytes
    event_ref: str | None
    target_kind: int
    target_ref: bytes
    target_event_ref: str | None
    amount: int
    value_day: int
    business_day: int
    posted_at: int


@dataclass(slots=True)
class DayTotal:
    """What was added to a row of the table `day_totals`; None: no leg moved that book."""

    lead_book: int | None = None
    partner_book: int | None = None
    agreed: int | None = None


class AcceptedResolution(NamedTuple):
    """A resolution as both banks have it: what it moved, minor units by effect on the reserve."""

    number: int
    pair: StoredPair
    action: Action
    kind: int
    day: int
    """On which the books have moved."""
    lead: int
    partner: int


class Incident(NamedTuple):
    """What should not happen: where, and what was seen there."""

    what: str
    place: str
    block: int


@dataclass(slots=True)
class Changes:
    """`first_new`: pairs from this number on are new, those before it are in the read model."""

    first_new: int
    postings: list[PostingRow] = field(default_factory=list)
    sealed: list[SealedPosting] = field(default_factory=list)
    """Those whose details do not open here, kept for a grant that may come."""
    new_pairs: list[StoredPair] = field(default_factory=list)
    changed_pairs: dict[int, StoredPair] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    accounts: dict[tuple[int, int], Account] = field(default_factory=dict)
    day_totals: defaultdict[tuple[int, int, int, int], DayTotal] = field(
        default_factory=lambda: defaultdict(DayTotal)
    )
    """By facility, partner, day and kind."""
    day_counts: defaultdict[tuple[int, int, int, str], int] = field(
        default_factory=lambda: defaultdict(int)
    )
    """What was added to the counts, by facility, partner, day and type."""
    balance_points: dict[tuple[int, int, int], tuple[int, int, int]] = field(default_factory=dict)
    """The books (lead's, partner's, agreed) by facility, partner and time."""
    incidents: list[Incident] = field(default_factory=list)
    """What does not add up: it is read again before it is recorded."""
    unreadable: list[Incident] = field(default_factory=list)
    """What others wrote and nobody can read: kept as it is, since the chain has it so."""
    accepted: list[AcceptedResolution] = field(default_factory=list)
    matched: list[StoredPair] = field(default_factory=list)
    """Pairs whose second half came and agreed."""

    def add_pair(self, pair: StoredPair, block: int) -> None:
        """A block has changed a pair."""
        pair.changed_in = block
        if pair.number < self.first_new:
            self.changed_pairs[pair.number] = pair

    def add_account(self, account: Account) -> None:
        """An account was changed, or one of its pairs loaded."""
        self.accounts[account.facility, account.partner] = account

    def add_moved(self, account: Account, side: Side, day: int, kind: int, effect: int) -> None:
        """A bank's book moved; `day` is that on which it is recorded."""
        total = self.day_totals[account.facility, account.partner, day, kind]
        if side is Side.LEAD:
            total.lead_book = (total.lead_book or 0) + effect
        else:
            total.partner_book = (total.partner_book or 0) + effect

    def add_agreed(self, account: Account, day: int, kind: int, effect: int) -> None:
        """An amount was agreed; `day` as above."""
        total = self.day_totals[account.facility, account.partner, day, kind]
        total.agreed = (total.agreed or 0) + effect

    def add_books(self, account: Account, time: int) -> None:
        """An account's books have moved, to what they are now; `time`: of the block."""
        books = account.books
        self.balance_points[account.facility, account.partner, time - time % CURVE_STEP_S] = (
            books.lead_book,
            books.partner_book,
            books.agreed,
        )

    @property
    def legs(self) -> int:
        """How many legs were posted."""
        return sum(posting.legs for posting in self.postings)
