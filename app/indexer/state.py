"""What the indexer must know of everything before the cursor, to read the blocks after it."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.kinds import Component
from app.domain.legs import Leg
from app.domain.matching.books import Books
from app.domain.matching.judgement import RulesVersion
from app.domain.matching.pairs import PAIR_TYPES, Pair, PairType
from app.domain.matching.versions import Version, in_force
from app.domain.resolutions import Action, Side
from app.verify.validators import ValidatorSet

ALL_SEEING_ROLES = ("lead", "auditor", "regulator")
"""Members of these roles project every account of the channel; a partner only its own."""

OBSERVERS = ("auditor", "regulator")
"""To members of these roles a bank may open details later."""


MOST_WAITING = 200_000
"""Most pairs that wait for their other half and are kept in memory: some 160 MB."""


@dataclass(frozen=True, slots=True)
class View:
    """Whose view is projected: the node's own member, its role, and its secret sealing keys."""

    member: int
    role: str
    sealing_keys: Iterable[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SharesVersion(Version):
    """`parts`: by component, (partner, basis points) of each partner that this view projects."""

    parts: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(slots=True)
class StoredPair(Pair):
    """A pair with all that its row says, see `readmodel.tables.pairs`."""

    number: int = 0
    facility: int = 0
    account: int = 0
    """The partner's number."""
    reference: bytes = b""
    target_reference: bytes = b""
    event_ref: str | None = None
    target_event_ref: str | None = None
    shares_version: int | None = None
    rules_version: int = 0
    first_posted_at: int = 0
    due_at: int = 0
    agreed_business_day: int | None = None
    lead_book_day: int | None = None
    partner_book_day: int | None = None
    resolved_at: int | None = None
    stated_shares: int | None = None
    archived: bool = False
    """Read from an archive: changed, it is a row of the table again."""
    changed_in: int = 0
    """The last block that changed it; 0 = it is as it was read."""

    @property
    def is_waiting(self) -> bool:
        """Whether its other half may still come."""
        return (self.lead is None or self.partner is None) and self.action is None


@dataclass(frozen=True, slots=True)
class ContractAccount:
    """The contract's own word on an account after a block."""

    block: int
    books: Books
    open_legs: int
    closed_through: int


@dataclass(slots=True)
class Touched:
    """What a range touches of an account; keys are `domain.matching.pairs.pair_key`."""

    postings: list[tuple[Sequence[Leg], Sequence[bytes]]] = field(default_factory=list)
    """Legs, each with the key of its pair, of postings that may bring the account halves."""
    wanted: set[bytes] = field(default_factory=set)
    """Keys of pairs in any state."""

    def halves(self, partner: int) -> set[bytes]:
        """Keys of pairs to which a half comes: each waits for it, or is new. `partner`: the
        account's."""
        return {
            key
            for legs, keys in self.postings
            for leg, key in zip(legs, keys, strict=True)
            if leg.partner in (0, partner)
        }


@dataclass(slots=True)
class Account:
    """One reserve account's running sums, and its pairs at hand: those that the range touches,
    those that are changed and not yet written, and those that wait for their other half (all, where
    `State.knows_waiting`)."""

    facility: int
    partner: int
    books: Books = field(default_factory=Books)
    counts: dict[PairType, int] = field(default_factory=lambda: dict.fromkeys(PAIR_TYPES, 0))
    last_block: int = 0
    """The last that moved it."""
    closed_through: int = 0
    """The last closed day; 0 = none."""
    held: int = 0
    active_holds: int = 0
    contract: ContractAccount | None = None
    pairs: dict[bytes, StoredPair] = field(default_factory=dict)
    """By `domain.matching.pairs.pair_key`."""
    joined: list[bytes] = field(default_factory=list)
    """Keys of the pairs whose second half came with this range."""

    def let_go(self, keys: Iterable[bytes], written: int) -> None:
        """Keep of the pairs of these keys those alone that wait for their other half, or were
        changed after block `written`."""
        for key in keys:
            pair = self.pairs.get(key)
            if pair is not None and pair.changed_in <= written and not pair.is_waiting:
                del self.pairs[key]

    def open_day(self, day: int) -> int:
        """The day that a movement of `day` is recorded on: itself, or the one after the closed
        ones."""
        return day if day > self.closed_through else self.closed_through + 1


@dataclass(frozen=True, slots=True)
class Folded:
    """A range up to block `last`. `pairs`: by account the keys of those that are let go when it is
    written, unless they wait for their other half, or are changed once more."""

    last: int
    pairs: list[tuple[Account, list[bytes]]]


@dataclass(slots=True)
class FacilityState:
    """A facility's parties and versions, as far as this view needs them."""

    number: int
    lead: int
    partners: dict[int, int]
    """Member to partner number."""
    reference_key: bytes | None
    state: str = "proposed"
    """As the table's."""
    changes: int = 0
    """How many were ever proposed."""
    pauses: int = 0
    """How many there ever were."""
    paused_by: set[int] = field(default_factory=set)
    """Members whose pause holds."""
    visible: tuple[int, ...] = ()
    """The partners whose accounts this view projects."""
    shares: list[SharesVersion] = field(default_factory=list)
    rules: list[RulesVersion] = field(default_factory=list)

    def see(self, view: View) -> None:
        """Settle which partners' accounts this view projects."""
        if view.role in ALL_SEEING_ROLES:
            self.visible = tuple(sorted(self.partners.values()))
        elif view.member in self.partners:
            self.visible = (self.partners[view.member],)

    def shares_on(self, day: int) -> SharesVersion:
        """The shares in force on a day."""
        return self.shares[0] if len(self.shares) == 1 else in_force(self.shares, day)

    def rules_on(self, day: int) -> RulesVersion:
        """The rules in force on a day."""
        return self.rules[0] if len(self.rules) == 1 else in_force(self.rules, day)

    def add_shares(
        self, version: int, effective_from: int, bps: list[tuple[int, int, int, int]]
    ) -> None:
        """Add a version of all partners' shares: (partner, principal, interest, fee)."""
        self.shares.append(
            SharesVersion(
                version,
                effective_from,
                tuple(
                    tuple(
                        (entry[0], entry[1 + component])
                        for entry in bps
                        if entry[0] in self.visible and entry[1 + component]
                    )
                    for component in Component
                ),
            )
        )


@dataclass(frozen=True, slots=True)
class ProposedResolution:
    """A resolution that waits for the other bank; `key` is its pair's in `Account.pairs`."""

    number: int
    facility: int
    partner: int
    key: bytes
    action: Action
    side: Side | None
    business_day: int


@dataclass(slots=True)
class State:
    """All of it; `block_number` and `block_hash` are the cursor's (None: nothing read yet)."""

    view: View
    chain_id: int
    block_number: int | None = None
    block_hash: bytes | None = None
    block_time: int = 0
    validators: ValidatorSet | None = None
    """Who may seal the block after the cursor's; None where nobody seals."""
    members: int = 0
    """How many were admitted."""
    proposals: int = 0
    """How many were made to the consortium."""
    consortium_lines: int = 0
    """How many lines the consortium's log has."""
    facilities: dict[int, FacilityState] = field(default_factory=dict)
    heads: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)
    """(facility, member) to the sequence and running digest of its last posting."""
    accounts: dict[tuple[int, int], Account] = field(default_factory=dict)
    """By facility and partner number."""
    next_number: int = 1
    """Of a pair or a rejection."""
    alerts: int = 0
    """How many this view has."""
    day_closes: int = 0
    """How many proposals to close a day this view has."""
    resolutions: dict[bytes, ProposedResolution] = field(default_factory=dict)
    """Resolutions that wait, by their pair's key on the chain."""
    next_resolution: int = 1
    knows_waiting: bool | None = None
    """Whether all pairs that wait for their other half are in their accounts: then any other pair
    to which a half comes is new. None: they were not read yet; False: each is looked up."""
    folded: deque[Folded] = field(default_factory=deque)
    """Ranges that are not known to be written, in order."""
    written_to: int = 0
    """The last block of those before them; 0 = none yet."""

    def range_folded(self, last: int, touched: Mapping[tuple[int, int], Touched]) -> None:
        """The range up to block `last` is folded, and is to be written."""
        pairs: list[tuple[Account, list[bytes]]] = []
        for number, its in touched.items():
            if (account := self.accounts.get(number)) is not None:
                pairs.append((account, [*account.joined, *its.wanted]))
                account.joined.clear()
        self.folded.append(Folded(last, pairs))

    def let_go(self, unwritten: int = 0) -> None:
        """All ranges are written but the last `unwritten`: keep at hand of the pairs that they
        touched those alone that wait for their other half, as long as they are no more than
        MOST_WAITING. What is changed and not yet written is at hand: it is nowhere else."""
        while len(self.folded) > unwritten:
            ended = self.folded.popleft()
            self.written_to = ended.last
            for account, keys in ended.pairs:
                account.let_go(keys, ended.last)
        at_hand = sum(len(one.pairs) for one in self.accounts.values())
        unwritten_pairs = sum(len(keys) for one in self.folded for _, keys in one.pairs)
        if at_hand - unwritten_pairs > MOST_WAITING:
            self.knows_waiting = False
        if not self.knows_waiting:
            for one in self.accounts.values():
                one.pairs = {
                    key: pair
                    for key, pair in one.pairs.items()
                    if pair.changed_in > self.written_to
                }
