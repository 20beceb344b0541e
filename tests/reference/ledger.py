"""What the contracts make of a facility's legs: which are taken, and the pairs, books and days.

Written from DESIGN and the interfaces' NatSpec; it knows nothing of slots and packed words. What
two halves are to each other, what a reversal takes back and what a resolution moves is
`app.domain.matching`'s word, which is thereby held against the contracts. The books are not kept
but summed from the pairs each time, leg by leg, so that a leg which the contracts count twice, or
forget, is seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.kinds import Kind
from app.domain.matching.judgement import RulesVersion, judge
from app.domain.matching.outcomes import outcome
from app.domain.matching.pairs import SETTLED, Half, Pair
from app.domain.matching.reversals import mark_reversed, reversible
from app.domain.matching.splits import part
from app.domain.matching.versions import Version, in_force
from app.domain.resolutions import Action, Side

SHARED = range(1, 6)
REVERSAL = int(Kind.REVERSAL)
MAX_AMOUNT = 10**15

NONE, DUPLICATE, UNKNOWN_KIND, AMOUNT_ZERO, AMOUNT_TOO_LARGE = range(5)
UNKNOWN_PARTNER, PARTNER_NOT_ALLOWED, DATE_TOO_FAR, TARGET_MISSING = range(5, 9)
TARGET_REVERSED, TARGET_NOT_REVERSIBLE, TARGET_AMOUNT, NO_PARTS = range(9, 13)
RESOLVED, TARGET_VOIDED = 13, 14

Identity = tuple[int, int, int, int, int]
"""Partner, kind, reference, and of a reversal the target's kind and reference."""


@dataclass
class KeptPair(Pair):
    """`made`: the absent half that a write-off posted."""

    rules_version: int = 0
    shares_version: int = 0
    made: Half | None = None

    @property
    def is_settled(self) -> bool:
        return self.action is not None or self.status in SETTLED

    def half(self, side: Side) -> Half | None:
        """A side's half, posted or made."""
        posted = self.lead if side is Side.LEAD else self.partner
        return posted or (self.made if self.resolved_side is side else None)

    def net(self, side: Side) -> int:
        """What a side's book holds for the pair now, corrections included."""
        return (1 if sum(self.effects) > 0 else -1) * reversible(self, side)

    def taken(self, side: Side) -> int:
        """Why a side's half cannot be posted any more."""
        if (self.lead if side is Side.LEAD else self.partner) is not None:
            return DUPLICATE
        return RESOLVED if self.action else NONE

    def is_reversed(self, side: Side) -> bool:
        return self.lead_reversed if side is Side.LEAD else self.partner_reversed


@dataclass(frozen=True)
class Shares(Version):
    """Basis points by partner, from 1."""

    bps: Sequence[int]


@dataclass(frozen=True)
class Posted:
    """A leg as it is sent; `partner` 0 = all, `target` of a reversal: kind and reference."""

    kind: int
    partner: int
    amount: int
    value_day: int
    business_day: int
    ref: int
    shares_day: int = 0
    target: tuple[int, int] = (0, 0)
    duplicate: bool = False


class Ledger:
    """One facility."""

    def __init__(self, shares: Shares, rules: RulesVersion) -> None:
        self.shares = [shares]
        self.rules = [rules]
        self.partners = range(1, len(shares.bps) + 1)
        self.pairs: dict[Identity, KeptPair] = {}
        self.closed_through = dict.fromkeys(self.partners, 0)
        self.days: dict[tuple[int, int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        self.skipped: dict[int, int] = {}

    def post(self, party: int, leg: Posted, latest_day: int) -> int:
        """Post a leg of the lead (party 0) or of a partner; why it is rejected, 0 = it is not.

        `skipped`: why a part of the last leg was skipped, by partner, where the leg was not.
        """
        self.skipped = {}
        reversal = leg.kind == REVERSAL
        booked = leg.target[0] if reversal else leg.kind
        reason = self._fault(party, leg, booked, latest_day)
        if reason:
            return reason
        side = Side.PARTNER if party else Side.LEAD
        among = self.partners if leg.partner == 0 else [leg.partner]
        identities = [(partner, leg.kind, leg.ref, *leg.target) for partner in among]
        found = [self.pairs[each].taken(side) for each in identities if each in self.pairs]
        if DUPLICATE in found:
            return DUPLICATE
        post = self._reverse if reversal else self._post
        reason = post(side, leg, identities)
        if reason:
            self.skipped = {}
        return reason

    def resolve(self, identity: Identity, action: Action, side: Side, day: int) -> None:
        """What both banks agreed on for a pair with something open."""
        partner, kind, *_ = identity
        pair = self.pairs[identity]
        made = outcome(pair, action, side)
        pair.action, pair.resolved_side = action, made.side
        if kind == REVERSAL:
            mark_reversed(self.pairs[partner, *identity[3:], 0, 0], pair)
        there = pair.lead or pair.partner
        if there and made.moved_kind == kind:
            pair.made = Half(there.amount, there.value_day, day)
        self._move(partner, day, made.moved_kind, 0, made.lead_moved)
        self._move(partner, day, made.moved_kind, 1, made.partner_moved)
        agreed_on = pair.half(Side.LEAD)
        if agreed_on:
            self._move(partner, agreed_on.business_day, kind, 2, made.agreed)

    def account(self, partner: int) -> tuple[int, ...]:
        """Both books, agreed, open lead and partner legs, accepted difference, open legs."""
        sums = [0] * 7
        for identity, pair in self.pairs.items():
            if identity[0] != partner:
                continue
            lead, partners = pair.net(Side.LEAD), pair.net(Side.PARTNER)
            sums[0] += lead
            sums[1] += partners
            if pair.is_settled:
                sums[2] += lead
                sums[5] += partners - lead
            else:
                sums[3] += lead
                sums[4] += partners
                sums[6] += bool(pair.lead) + bool(pair.partner)
        return tuple(sums)

    def _fault(self, party: int, leg: Posted, booked: int, latest_day: int) -> int:
        if not 1 <= leg.kind <= REVERSAL:
            return UNKNOWN_KIND
        if leg.amount == 0:
            return AMOUNT_ZERO
        if leg.amount > MAX_AMOUNT:
            return AMOUNT_TOO_LARGE
        if party:
            is_allowed = leg.partner == party
        elif leg.partner == 0:
            # a target that cannot be reversed is refused as a target, whomever the leg names
            is_allowed = booked in SHARED or not 1 <= booked < REVERSAL
        else:
            is_allowed = leg.partner in self.partners and booked not in SHARED
        if not is_allowed:
            return PARTNER_NOT_ALLOWED if leg.partner <= len(self.partners) else UNKNOWN_PARTNER
        days = (leg.value_day, leg.business_day, leg.shares_day)
        if leg.value_day == 0 or max(days) > latest_day:
            return DATE_TOO_FAR
        return DUPLICATE if leg.duplicate else NONE

    def _post(self, side: Side, leg: Posted, identities: list[Identity]) -> int:
        parts = dict.fromkeys(identities, leg.amount)
        version = 0
        if side is Side.LEAD and leg.kind in SHARED:
            shares = in_force(self.shares, leg.shares_day or leg.value_day)
            version = shares.version
            parts = {each: part(leg.amount, shares.bps[each[0] - 1]) for each in identities}
            parts = {each: amount for each, amount in parts.items() if amount}
        if not parts:
            return NO_PARTS
        for identity in parts:
            known = self.pairs.get(identity)
            if known and known.taken(side):
                self.skipped[identity[0]] = known.taken(side)
        parts = {each: amount for each, amount in parts.items() if each[0] not in self.skipped}
        if not parts:
            return self._last_skipped()
        for identity, amount in parts.items():
            pair = self._set(side, leg, identity, amount)
            if side is Side.LEAD:
                pair.shares_version = version
        return NONE

    def _reverse(self, side: Side, leg: Posted, identities: list[Identity]) -> int:
        kind, ref = leg.target
        if not 1 <= kind < REVERSAL:
            return TARGET_NOT_REVERSIBLE
        amounts: dict[Identity, int] = {}
        for identity in identities:
            target = self.pairs.get((identity[0], kind, ref, 0, 0))
            half = target.half(side) if target else None
            if target is None or half is None:
                continue
            own = self.pairs.get(identity)
            amount = reversible(target, side)
            if own and own.taken(side):
                self.skipped[identity[0]] = own.taken(side)
            elif target.is_reversed(side):
                self.skipped[identity[0]] = TARGET_REVERSED
            elif not amount:
                self.skipped[identity[0]] = TARGET_VOIDED
            elif leg.partner and leg.amount != half.amount:
                self.skipped[identity[0]] = TARGET_AMOUNT
            else:
                amounts[identity] = amount
        if not amounts:
            return self._last_skipped() if self.skipped else TARGET_MISSING
        for identity, amount in amounts.items():
            target = self.pairs[identity[0], kind, ref, 0, 0]
            if side is Side.LEAD:
                target.lead_reversed = True
            else:
                target.partner_reversed = True
            self._set(side, leg, identity, amount)
        return NONE

    def _last_skipped(self) -> int:
        return [*self.skipped.values()][-1]

    def _set(self, side: Side, leg: Posted, identity: Identity, amount: int) -> KeptPair:
        """Set a half; judge the pair if it is the second."""
        partner, kind, _, target_kind, _ = identity
        pair = self.pairs.setdefault(identity, KeptPair(kind, target_kind))
        half = Half(amount, leg.value_day, leg.business_day)
        if side is Side.LEAD:
            pair.lead = half
        else:
            pair.partner = half
        rules = in_force(self.rules, (pair.lead or half).value_day)
        pair.rules_version = rules.version
        place = list(Side).index(side)
        self._move(partner, leg.business_day, kind, place, pair.effects[place])
        if pair.lead and pair.partner:
            pair.status = judge(pair.lead, pair.partner, rules)
            if pair.is_settled:
                self._move(partner, pair.lead.business_day, kind, 2, pair.effects[0])
        return pair

    def _move(self, partner: int, day: int, kind: int, place: int, amount: int) -> None:
        """A movement on its business day, or on the first open one."""
        day = max(day, self.closed_through[partner] + 1)
        if amount:
            self.days[partner, day, kind][place] += amount
