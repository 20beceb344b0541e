"""A second, plain implementation of what the contracts make of legs: pairs, books, days.

Written from DESIGN and the interfaces' NatSpec; it knows nothing of slots and packed words. The
books are not kept but summed from the pairs each time, leg by leg, so that a leg which the
contracts count twice, or forget, is seen. Amounts are minor units, days ordinals.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

SHARED = range(1, 6)
OUTGOING = {1, 9, 10, 11}
REVERSAL = 12
CORRECTION = 13
MAX_AMOUNT = 10**15

NONE, DUPLICATE, UNKNOWN_KIND, AMOUNT_ZERO, AMOUNT_TOO_LARGE = range(5)
UNKNOWN_PARTNER, PARTNER_NOT_ALLOWED, DATE_TOO_FAR, TARGET_MISSING = range(5, 9)
TARGET_REVERSED, TARGET_NOT_REVERSIBLE, TARGET_AMOUNT, NO_PARTS = range(9, 13)
RESOLVED, TARGET_VOIDED = 13, 14

OPEN, MATCHED, WITHIN_TOLERANCE, AMOUNT, DATE, AMOUNT_AND_DATE = range(6)
ADJUST, WRITE_OFF, FORCE, VOID = range(1, 5)
LEAD, PARTNER = "lead", "partner"

Identity = tuple[int, int, int, int, int]
"""Partner, kind, reference, and of a reversal the target's kind and reference."""


@dataclass
class Half:
    """One bank's half as it was posted. `made`: not posted, but by a write-off."""

    amount: int
    value_day: int
    business_day: int
    made: bool = False


@dataclass
class Pair:
    """Two halves of one event for one partner; `sign` of its effect on the reserve."""

    sign: int
    halves: dict[str, Half] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)
    status: int = OPEN
    rules_version: int = 0
    shares_version: int = 0
    action: int = 0
    adjusted: str = ""

    @property
    def is_settled(self) -> bool:
        return self.action != 0 or self.status in (MATCHED, WITHIN_TOLERANCE)

    def effect(self, side: str) -> int:
        """What a side's half did to the reserve as posted."""
        return self.sign * self.halves[side].amount if side in self.halves else 0

    def net(self, side: str) -> int:
        """What a side's book holds for the pair now, corrections included."""
        if self.action == VOID:
            return 0
        other = PARTNER if side == LEAD else LEAD
        return self.effect(other if self.adjusted == side else side)

    def taken(self, side: str) -> int:
        """Why a side's half cannot be posted any more."""
        half = self.halves.get(side)
        if half is not None and not half.made:
            return DUPLICATE
        return RESOLVED if self.action else NONE


@dataclass(frozen=True)
class Rules:
    """A version of the rules, from its first value day."""

    first_day: int
    tolerance: int
    window: int


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
    """One facility. `shares`: versions, each its first day and basis points by partner from 1."""

    def __init__(self, shares: list[tuple[int, list[int]]], rules: list[Rules]) -> None:
        self.shares = shares
        self.rules = rules
        self.partners = range(1, len(shares[0][1]) + 1)
        self.pairs: dict[Identity, Pair] = {}
        self.closed_through = dict.fromkeys(self.partners, 0)
        self.days: dict[tuple[int, int, int], list[int]] = defaultdict(lambda: [0, 0, 0])

    def post(self, party: int, leg: Posted, latest_day: int) -> int:
        """Post a leg of the lead (party 0) or of a partner; why it is rejected, 0 = it is not."""
        reversal = leg.kind == REVERSAL
        booked = leg.target[0] if reversal else leg.kind
        reason = self._fault(party, leg, booked, latest_day)
        if reason:
            return reason
        side = PARTNER if party else LEAD
        among = self.partners if leg.partner == 0 else [leg.partner]
        identities = [(partner, leg.kind, leg.ref, *leg.target) for partner in among]
        found = [self.pairs[each].taken(side) for each in identities if each in self.pairs]
        if DUPLICATE in found:
            return DUPLICATE
        if RESOLVED in found:
            return RESOLVED
        if reversal:
            return self._reverse(side, leg, identities)
        return self._post(side, leg, identities)

    def resolve(self, identity: Identity, action: int, side: str, day: int) -> None:
        """What both banks agreed on for a pair with something open."""
        partner, kind, *_ = identity
        pair = self.pairs[identity]
        before = {each: pair.net(each) for each in (LEAD, PARTNER)}
        moved_kind = CORRECTION
        if kind == REVERSAL:
            target = self.pairs[partner, *identity[3:], 0, 0]
            # voided it has reversed nothing; else both sides, also one whose half is made
            target.reversed = (
                target.reversed - set(pair.halves) if action == VOID else {LEAD, PARTNER}
            )
        pair.action = action
        pair.adjusted = side if action == ADJUST else ""
        if action == WRITE_OFF and len(pair.halves) == 1:
            ((_, there),) = pair.halves.items()
            absent = LEAD if PARTNER in pair.halves else PARTNER
            pair.halves[absent] = Half(there.amount, there.value_day, day, made=True)
            moved_kind = kind
        for place, each in enumerate((LEAD, PARTNER)):
            self._move(partner, day, moved_kind, place, pair.net(each) - before[each])
        if LEAD in pair.halves:
            agreed_day = pair.halves[LEAD].business_day
            self._move(partner, agreed_day, kind, 2, pair.net(LEAD))

    def account(self, partner: int) -> tuple[int, ...]:
        """Both books, agreed, open lead and partner legs, accepted difference, open legs."""
        sums = [0] * 7
        for identity, pair in self.pairs.items():
            if identity[0] != partner:
                continue
            sums[0] += pair.net(LEAD)
            sums[1] += pair.net(PARTNER)
            if pair.is_settled:
                sums[2] += pair.net(LEAD)
                sums[5] += pair.net(PARTNER) - pair.net(LEAD)
            else:
                sums[3] += pair.effect(LEAD)
                sums[4] += pair.effect(PARTNER)
                sums[6] += len(pair.halves)
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

    def _post(self, side: str, leg: Posted, identities: list[Identity]) -> int:
        parts = dict.fromkeys(identities, leg.amount)
        version = 0
        if side == LEAD and leg.kind in SHARED:
            version = _version_on(
                [first for first, _ in self.shares], leg.shares_day or leg.value_day
            )
            bps = self.shares[version - 1][1]
            parts = {each: leg.amount * bps[each[0] - 1] // 10_000 for each in identities}
            parts = {each: part for each, part in parts.items() if part}
        if not parts:
            return NO_PARTS
        sign = -1 if leg.kind in OUTGOING else 1
        for identity, part in parts.items():
            pair = self._set(side, leg, identity, part, sign)
            if side == LEAD:
                pair.shares_version = version
        return NONE

    def _reverse(self, side: str, leg: Posted, identities: list[Identity]) -> int:
        kind, ref = leg.target
        if not 1 <= kind < REVERSAL:
            return TARGET_NOT_REVERSIBLE
        amounts: dict[Identity, int] = {}
        voided = False
        for identity in identities:
            target = self.pairs.get((identity[0], kind, ref, 0, 0))
            if target is None or side not in target.halves:
                continue
            if side in target.reversed:
                return TARGET_REVERSED
            if target.net(side) == 0:
                voided = True
                continue
            if leg.partner and leg.amount != target.halves[side].amount:
                return TARGET_AMOUNT
            amounts[identity] = abs(target.net(side))
        if not amounts:
            return TARGET_VOIDED if voided else TARGET_MISSING
        sign = 1 if kind in OUTGOING else -1
        for identity, amount in amounts.items():
            self.pairs[identity[0], kind, ref, 0, 0].reversed.add(side)
            self._set(side, leg, identity, amount, sign)
        return NONE

    def _set(self, side: str, leg: Posted, identity: Identity, amount: int, sign: int) -> Pair:
        """Set a half; judge the pair if it is the second."""
        partner, kind, *_ = identity
        pair = self.pairs.setdefault(identity, Pair(sign))
        pair.halves[side] = Half(amount, leg.value_day, leg.business_day)
        judged_on = pair.halves.get(LEAD, pair.halves[side])
        firsts = [rules.first_day for rules in self.rules]
        pair.rules_version = _version_on(firsts, judged_on.value_day)
        self._move(partner, leg.business_day, kind, 0 if side == LEAD else 1, sign * amount)
        if len(pair.halves) == 2:
            pair.status = self._judge(pair)
            if pair.is_settled:
                lead_day = pair.halves[LEAD].business_day
                self._move(partner, lead_day, kind, 2, pair.net(LEAD))
        return pair

    def _judge(self, pair: Pair) -> int:
        rules = self.rules[pair.rules_version - 1]
        lead, partner = pair.halves[LEAD], pair.halves[PARTNER]
        amount = abs(lead.amount - partner.amount)
        days = abs(lead.value_day - partner.value_day)
        if amount == days == 0:
            return MATCHED
        if amount > rules.tolerance:
            return AMOUNT_AND_DATE if days > rules.window else AMOUNT
        return DATE if days > rules.window else WITHIN_TOLERANCE

    def _move(self, partner: int, day: int, kind: int, place: int, amount: int) -> None:
        """A movement on its business day, or on the first open one."""
        day = max(day, self.closed_through[partner] + 1)
        if amount:
            self.days[partner, day, kind][place] += amount


def _version_on(firsts: list[int], day: int) -> int:
    """The newest version, from 1, whose first day is not after `day`."""
    return max(version for version, first in enumerate(firsts, 1) if first <= day)
