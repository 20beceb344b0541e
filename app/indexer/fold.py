"""From postings to pairs and sums, leg by leg, in memory: no input, no output.

`touch` says which pairs must be in their accounts before a posting is folded.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.kinds import Kind
from app.domain.legs import REVERSAL, Leg
from app.domain.matching.judgement import RulesVersion, judge
from app.domain.matching.pairs import (
    SETTLED,
    Half,
    Judged,
    PairType,
    new_half,
    pair_key,
    target_key,
)
from app.domain.matching.reversals import reversible
from app.domain.matching.splits import part
from app.domain.resolutions import Side
from app.indexer.changes import Changes, Incident, PostingRow, Rejection
from app.indexer.errors import Incomplete
from app.indexer.names import Names
from app.indexer.postings import DUPLICATE, PART, REASONS, Posting
from app.indexer.state import Account, FacilityState, State, StoredPair, Touched

_SIGNS = {int(kind): kind.effect for kind in Kind if kind < Kind.REVERSAL}
_SPLIT = {int(kind): int(kind.component) for kind in Kind if kind.component is not None}


@dataclass(slots=True)
class Batch:
    """A posting that this view projects. `partner`: its sender's number, 0 = it is the lead's;
    `time`: of its block, seconds since 1970 UTC."""

    posting: Posting
    facility: FacilityState
    partner: int
    legs: Sequence[Leg]
    names: Names
    time: int
    keys: list[bytes] = field(init=False)
    """Of its legs' pairs."""

    def __post_init__(self) -> None:
        self.keys = [
            pair_key(kind, reference, target_kind, target_reference)
            for kind, _, _, _, _, _, reference, _, target_kind, target_reference, _ in self.legs
        ]

    @property
    def row(self) -> PostingRow:
        """What is kept of it."""
        posting = self.posting
        return PostingRow(
            posting.facility,
            posting.member,
            posting.sequence,
            bytes.fromhex(posting.tx_hash[2:]),
            posting.block_number,
            self.time,
            len(self.legs),
            len(posting.rejected),
            posting.digest,
            self.names.state,
        )


def touch(batch: Batch, touched: Mapping[int, Touched]) -> None:
    """Say which pairs a posting may touch. `touched`: by partner."""
    for one in touched.values():
        one.postings.append((batch.legs, batch.keys))
    for leg, key in zip(batch.legs, batch.keys, strict=True):
        if leg.kind == REVERSAL:
            for partner, one in touched.items():
                if leg.partner in (0, partner):
                    one.wanted.add(target_key(key))


def fold(state: State, batch: Batch, changes: Changes) -> None:
    """Join a posting's legs into the pairs of their accounts.

    Raises Incomplete where it holds a leg that the contract takes from nobody.
    """
    folding = _Folding(state, batch, changes)
    rejected = batch.posting.rejected
    for place, (leg, key) in enumerate(zip(batch.legs, batch.keys, strict=True)):
        if rejected and leg.word in rejected:
            folding.reject(place, leg, key, rejected[leg.word])
        else:
            folding.take(place, leg, key)
    folding.close()
    changes.postings.append(batch.row)


@dataclass(slots=True)
class _Alike:
    """A posting's legs of one kind and the same days, as one account has them; what they move and
    count there is added up here and put into books and totals once, at the posting's end."""

    account: Account
    kind: int
    sign: int
    """Of their effect on the reserve."""
    day: int
    """Their business day."""
    moved_day: int
    """On which their movements are recorded: `day`, or the one after the closed ones."""
    bps: int | None
    """The account's share of their amounts; None: it has all of them."""
    shares_version: int | None
    stated_shares: int | None
    rules: RulesVersion
    """Those of their value day."""
    halves: int = 0
    moved: int = 0
    first: int = 0
    """How many of the halves are their pairs' first."""
    matched: int = 0
    """How many of the others equal the first half, of the same business day."""
    agreed: int = 0
    """The amounts of those."""


class _Folding:
    """One posting's legs on their way into pairs."""

    def __init__(self, state: State, batch: Batch, changes: Changes) -> None:
        self._state = state
        self._changes = changes
        self._facility = facility = batch.facility
        self._accounts = {one: state.accounts[facility.number, one] for one in facility.visible}
        self._posting = batch.posting
        self._sequence = batch.posting.sequence
        self._names = batch.names
        self._time = batch.time
        self._by_lead = not batch.partner
        self._partner = batch.partner
        self._side = Side.LEAD if self._by_lead else Side.PARTNER
        self._missing: PairType = "missing_at_partner" if self._by_lead else "missing_at_lead"
        self._found: PairType = "missing_at_lead" if self._by_lead else "missing_at_partner"
        self._duplicate: PairType = "duplicate_at_lead" if self._by_lead else "duplicate_at_partner"
        self._alike: dict[tuple[int, ...], list[_Alike]] = {}
        """By what makes legs alike: all that they are but amount, reference and place."""
        # What is not counted in `_Alike`: by partner, day and kind what was agreed, by partner what
        # settled pairs leave between the two books, and by partner, day and type.
        self._agreed: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        self._accepted: defaultdict[int, int] = defaultdict(int)
        self._counted: defaultdict[tuple[int, int, PairType], int] = defaultdict(int)

    def close(self) -> None:
        """Put what was added up into books, counts and day totals."""
        changes, number, side = self._changes, self._facility.number, self._side
        moved: dict[int, Account] = {}
        for one in (one for alike in self._alike.values() for one in alike if one.halves):
            account, partner = one.account, one.account.partner
            effect = one.sign * one.moved
            account.books.post(side, effect)
            account.last_block = self._posting.block_number
            moved[partner] = account
            changes.add_account(account)
            changes.add_moved(account, side, one.moved_day, one.kind, effect)
            if one.first:
                self._counted[partner, one.day, self._missing] += one.first
            if one.matched:
                self._counted[partner, one.day, self._found] -= one.matched
                self._counted[partner, one.day, "matched"] += one.matched
                self._agreed[partner, one.moved_day, one.kind] += one.sign * one.agreed
        for (partner, day, kind), effect in self._agreed.items():
            account = self._accounts[partner]
            account.books.settle(effect, effect)
            changes.add_agreed(account, day, kind, effect)
        for partner, difference in self._accepted.items():
            self._accounts[partner].books.settle(0, difference)
        for account in moved.values():
            changes.add_books(account, self._time)
        for (partner, day, type_), count in self._counted.items():
            account = self._accounts[partner]
            account.counts[type_] += count
            changes.add_account(account)
            changes.day_counts[number, partner, day, type_] += count

    def take(self, place: int, leg: Leg, key: bytes) -> None:
        """A leg that counts: a half for each account that it concerns."""
        kind, to, whole, value_day, day, shares_day, _, is_duplicate, target_kind, _, _ = leg
        what = (kind, to, value_day, day, shares_day, is_duplicate, target_kind)
        alike = self._alike.get(what)
        if alike is None:
            alike = self._alike[what] = self._new_alike(leg)
        if kind == REVERSAL:
            self._reverse(place, leg, key, alike)
            return
        for one in alike:
            amount = whole
            if one.bps is not None:
                amount = part(whole, one.bps)
                if not amount or self._is_skipped(place, leg, one.account.partner, amount):
                    continue
            self._add(one, place, leg, key, amount, one.stated_shares)

    def _new_alike(self, leg: Leg) -> list[_Alike]:
        """What legs like this one are to each account that they concern; for a reversal to each
        that may have a part of its target."""
        kind, to, _, value_day, day, shares_day, _, is_duplicate, target_kind, _, _ = leg
        is_reversal = kind == REVERSAL
        sign = _SIGNS.get(target_kind if is_reversal else kind)
        if sign is None or is_duplicate or not (to or is_reversal or kind in _SPLIT):
            raise Incomplete(
                "it holds a leg that should have been rejected", where=self._posting.place
            )
        shares_version = stated_shares = None
        parts: Sequence[tuple[int, int | None]]
        if to or is_reversal:
            parts = [(one, None) for one in self._accounts if to in (0, one)]
            if self._by_lead and kind in _SPLIT:  # the lead itself has split it
                stated_shares = self._facility.shares_on(shares_day or value_day).version
        else:
            shares = self._facility.shares_on(shares_day or value_day)
            parts, shares_version = shares.parts[_SPLIT[kind]], shares.version
        rules = self._facility.rules_on(value_day)
        accounts = self._accounts
        return [
            _Alike(
                account=accounts[one],
                kind=kind,
                sign=-sign if is_reversal else sign,
                day=day,
                moved_day=accounts[one].open_day(day),
                bps=bps,
                shares_version=shares_version,
                stated_shares=stated_shares,
                rules=rules,
            )
            for one, bps in parts
        ]

    def _reverse(self, place: int, leg: Leg, key: bytes, alike: Sequence[_Alike]) -> None:
        """Whoever had a part of the target has the same part of its reversal."""
        for one in alike:
            account = one.account
            target = account.pairs.get(target_key(key))
            held = target.lead if target and self._by_lead else None
            if self._is_skipped(place, leg, account.partner, held.amount if held else 0):
                continue
            amount = reversible(target, self._side) if target else 0
            if target is None or not amount:
                if leg.partner:
                    self._incident("target_missing", leg, account)
                continue
            if self._by_lead:
                target.lead_reversed = True
            else:
                target.partner_reversed = True
            self._changes.add_pair(target, self._posting.block_number)
            stated = target.stated_shares if self._by_lead else None
            self._add(one, place, leg, key, amount, stated)

    def _add(
        self,
        alike: _Alike,
        place: int,
        leg: Leg,
        key: bytes,
        amount: int,
        stated_shares: int | None,
    ) -> None:
        """Set a half of a pair; judge the pair if it is the second."""
        _, _, _, value_day, day, _, _, _, _, _, word = leg
        account = alike.account
        half = new_half((amount, value_day, day, self._sequence, word, self._time))
        pair = account.pairs.get(key)
        if pair is None:
            pair = account.pairs[key] = self._first(alike, place, leg, half)
            alike.first += 1
        elif (pair.lead if self._by_lead else pair.partner) is not None:
            self._incident("leg_counted_twice", leg, account)
            return
        else:
            if self._by_lead:
                pair.lead, pair.shares_version = half, alike.shares_version
            else:
                pair.partner = half
            account.joined.append(key)
            self._second(alike, place, leg, pair)
        if stated_shares is not None:
            pair.stated_shares = stated_shares
        if day != alike.moved_day:
            if self._by_lead:
                pair.lead_book_day = alike.moved_day
            else:
                pair.partner_book_day = alike.moved_day
        alike.halves += 1
        alike.moved += amount

    def _first(self, alike: _Alike, place: int, leg: Leg, half: Half) -> StoredPair:
        kind, _, _, _, _, _, reference, _, target_kind, target_reference, _ = leg
        state, time, account, rules = self._state, self._time, alike.account, alike.rules
        event_ref, target_event_ref = self._names.of(place, reference, target_reference)
        pair = StoredPair(
            kind,
            target_kind,
            half if self._by_lead else None,
            None if self._by_lead else half,
            False,
            False,
            "open",
            None,
            None,
            state.next_number,
            account.facility,
            account.partner,
            reference,
            target_reference,
            event_ref,
            target_event_ref,
            alike.shares_version,
            rules.version,
            time,
            time + rules.match_deadline_seconds,
        )
        pair.changed_in = self._posting.block_number
        state.next_number += 1
        self._changes.new_pairs.append(pair)
        return pair

    def _second(self, alike: _Alike, place: int, leg: Leg, pair: StoredPair) -> None:
        """Both halves are there: the pair has its status, and its amounts are agreed or open."""
        lead, partner = pair.lead, pair.partner
        assert lead is not None and partner is not None
        if not self._names.are(place, pair.event_ref, pair.target_event_ref):
            event_ref, target_event_ref = self._names.of(place, leg.reference, leg.target_reference)
            pair.event_ref = pair.event_ref or event_ref
            pair.target_event_ref = pair.target_event_ref or target_event_ref
        account = alike.account
        rules = alike.rules if self._by_lead else self._facility.rules_on(lead.value_day)
        pair.rules_version = rules.version
        status = judge(lead, partner, rules)
        if status != "matched" or self._posting.judged:
            status = self._as_judged(account, leg, pair, status)
        pair.status = status
        self._changes.add_pair(pair, self._posting.block_number)
        if status == "matched" and lead[:3] == partner[:3]:
            pair.agreed_business_day = alike.moved_day
            alike.matched += 1
            alike.agreed += lead.amount
            self._changes.matched.append(pair)
            return
        number, day = account.partner, lead.business_day
        # Until now the pair's day was that of the half that was there.
        self._counted[number, partner.business_day if self._by_lead else day, self._found] -= 1
        self._counted[number, day, status] += 1
        if status in SETTLED:
            pair.agreed_business_day = day = account.open_day(day)
            self._agreed[number, day, leg.kind] += alike.sign * lead.amount
            if lead.amount != partner.amount:
                self._accepted[number] += alike.sign * (partner.amount - lead.amount)
            self._changes.matched.append(pair)

    def _as_judged(self, account: Account, leg: Leg, pair: StoredPair, due: Judged) -> Judged:
        """The contract's word on two halves, which stands where there is one; a word that does not
        follow from the halves and the rules is an incident."""
        judgement = self._posting.judged.get((leg.word, account.partner))
        if judgement is None:
            if due != "matched":
                self._incident("unequal_halves", leg, account)
            return due
        if judgement.status != due or judgement.rules_version != pair.rules_version:
            self._incident("judgement_differs", leg, account)
        if judgement.status is None:
            return due
        pair.rules_version = judgement.rules_version
        return judgement.status

    def reject(self, place: int, leg: Leg, key: bytes, reason: int) -> None:
        """A leg that the contract rejected: a row for each part of a shared duplicate of the lead,
        else one."""
        for partner, amount in self._rejected_parts(leg, key, reason):
            if 0 < partner <= len(self._facility.partners) and partner not in self._accounts:
                continue
            self._add_rejection(place, leg, partner, amount, _reason(reason))
            account = self._accounts.get(partner)
            if reason == DUPLICATE and account is not None:
                self._counted[partner, leg.business_day, self._duplicate] += 1

    def _is_skipped(self, place: int, leg: Leg, partner: int, amount: int) -> bool:
        """Whether the contract booked a leg without this partner's part; it is kept with why."""
        skipped = self._posting.skipped
        if not skipped or (leg.word, partner) not in skipped:
            return False
        why = PART + _reason(skipped[leg.word, partner])
        self._add_rejection(place, leg, partner, amount, why)
        return True

    def _add_rejection(self, place: int, leg: Leg, partner: int, amount: int, why: str) -> None:
        event_ref, target_event_ref = self._names.of(place, leg.reference, leg.target_reference)
        self._changes.rejections.append(
            Rejection(
                self._state.next_number,
                self._facility.number,
                partner,
                self._posting.member,
                self._posting.sequence,
                leg.word,
                why,
                self._side.value,
                leg.kind,
                leg.reference,
                event_ref,
                leg.target_kind,
                leg.target_reference,
                target_event_ref,
                amount,
                leg.value_day,
                leg.business_day,
                self._time,
            )
        )
        self._state.next_number += 1

    def _rejected_parts(self, leg: Leg, key: bytes, reason: int) -> list[tuple[int, int]]:
        """(partner, amount) of a rejected leg; what a partner posts is its own, whatever number it
        wrote there."""
        if not self._by_lead:
            return [(self._partner, leg.amount)]
        parts: list[tuple[int, int]] = []
        if reason == DUPLICATE and not leg.partner:
            if leg.kind == REVERSAL:
                targets = (
                    (one, account.pairs.get(target_key(key)))
                    for one, account in self._accounts.items()
                )
                parts = [(one, pair.lead.amount) for one, pair in targets if pair and pair.lead]
            else:
                shares = self._facility.shares_on(leg.shares_day or leg.value_day)
                parts = [
                    (one, amount)
                    for one, bps in shares.parts[_SPLIT.get(leg.kind, 0)]
                    if (amount := part(leg.amount, bps))
                ]
        return parts or [(leg.partner, leg.amount)]

    def _incident(self, what: str, leg: Leg, account: Account) -> None:
        place = f"{self._posting.place}, word {leg.word}, partner {account.partner}"
        self._changes.incidents.append(Incident(what, place, self._posting.block_number))


def _reason(number: int) -> str:
    return REASONS.get(number, f"unknown ({number})")
