"""The laws once more: banks do as they like on a real chain, and a plain model says what must be.

After each step every account is compared, and every pair and day that the step touched; at the end
all pairs and days (LEDGER_1 to LEDGER_5, RECON_1, RECON_2, CLOSE_1 of DESIGN).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.chain.rpc import Rpc
from app.contracts.errors import PostingRefused, ResolutionRefused
from app.domain.legs import Leg, pack
from app.domain.matching.judgement import RulesVersion
from app.domain.resolutions import Action, Side
from ganache.launcher import start
from tests.contracts.live import Live, key, terms
from tests.reference import ledger as model

DEADLINE_S, CUT_OFF_S = 86_400, 86_399
SHARES = [4_533, 2_467]
RULES = RulesVersion(1, 0, 3, 1, DEADLINE_S)
# Later versions: nearly the same parts, and stricter or looser rules.
OTHER_SHARES = [[4_500, 2_500], [4_533, 0], [4_567, 2_433]]
OTHER_RULES = [(0, 0), (1, 2), (5, 0)]
MOST_VERSIONS = 4
# A version starts after all days that a leg can carry: this many from today on.
DAYS_AHEAD = 30
STATUSES = ("open", "matched", "within_tolerance", "amount", "date", "amount_and_date")
NAMES = ["lead", "anna", "bert"]
REASON = keccak(text="why")
REJECTED = "0x" + keccak(text="LegRejected(uint32,uint16,uint64,uint16,uint8)").hex()
SKIPPED = "0x" + keccak(text="PartSkipped(uint32,uint16,uint64,uint16,uint8,uint8)").hex()
# Wholes whose parts are 135 and 74, 136 and 74, 1 and 0; parts that are near these.
WHOLES = [300, 301, 3, 2]
PARTS = [135, 136, 138, 139, 74, 77, 78]
# Amounts of one partner's kinds: equal, just within tolerance, beyond it.
SINGLES = [100, 100, 103, 104]
KINDS = [1, 2, 5, 6, 9]
REFS = [1, 2]

_side = st.integers(0, 2)
_day = st.sampled_from([-2, -1, -1, 0, 0, 0, 1])
_leg = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([*KINDS, 12, 12, 13]),
        "whole": st.sampled_from(WHOLES),
        "part": st.sampled_from([*PARTS, 0]),
        "single": st.sampled_from(SINGLES),
        "partner": st.sampled_from([1, 2, 2, 3]),
        "ref": st.sampled_from(REFS),
        "target": st.tuples(st.sampled_from([*KINDS, *KINDS, 12]), st.sampled_from(REFS)),
        "known": st.integers(0, 99),
        "value_day": _day,
        "business_day": st.sampled_from([-3, -1, 0, 0]),
        "is_wild": st.sampled_from([True, *[False] * 9]),
        "duplicate": st.sampled_from([True, *[False] * 19]),
        "shares_day": st.sampled_from([*[None] * 6, 0, -1, -35]),
    }
)


@dataclass
class World:
    """A consortium with a facility in force and nothing posted."""

    live: Live
    facility: int


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("machine")
    with (
        start("anvil", state_dir=folder, keep_state=False) as chain,
        closing(Rpc(chain.process.url)) as rpc,
    ):
        live = Live(rpc)
        live.found({"lead": "lead", "anna": "partner", "bert": "partner"})
        shares = {number: (bps, bps, bps) for number, bps in enumerate(SHARES, 2)}
        facility = live.activate(
            terms("F", 1, shares, rules=_rules(RULES)), "lead", ["anna", "bert"]
        )
        yield World(live, facility)


class Banks(RuleBasedStateMachine):
    """A lead and two partners; every rule acts on the chain and on the model alike."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.live = world.live
        self.model = model.Ledger(model.Shares(1, 0, SHARES), RULES)
        self.snapshot = self.live.rpc.call("evm_snapshot", [])
        self.today = self.live.today()
        self.sequences = [0, 0, 0]
        self.fresh_ref = 100
        self.last: dict[int, list[bytes]] = {}
        self.closings: dict[int, list[tuple[int, list[int]]]] = {1: [], 2: []}

    def teardown(self) -> None:
        try:
            self._compare(list(self.model.pairs), list(self.model.days))
            self._the_days_add_up_to_the_books()
        finally:
            assert self.live.rpc.call("evm_revert", [self.snapshot])

    @initialize()
    def nothing_is_posted(self) -> None:
        self._compare([], [])

    @rule(party=_side, drawn=st.lists(_leg, min_size=1, max_size=4))
    def post(self, party: int, drawn: list[dict[str, Any]]) -> None:
        """A batch of legs, good and bad: the chain rejects and skips what the model does."""
        legs = sorted(
            (self._leg(party, each) for each in drawn),
            key=lambda leg: (leg.business_day, leg.shares_day),
        )
        words, indexes = _words(legs)
        self.sequences[party] += 1
        days = set(self.model.days)
        before = {name: list(total) for name, total in self.model.days.items()}
        latest = self.today + DAYS_AHEAD
        expected, skipped = [], []
        for leg, index in zip(legs, indexes, strict=True):
            reason = self.model.post(party, leg, latest)
            if reason:
                expected.append((index, reason))
            skipped += [(index, *part) for part in self.model.skipped.items()]
        receipt = self._send(
            party, "operator", "Reconciliation", "post", *self._batch(party, words)
        )
        told = [
            decode(["uint64", "uint16", "uint8"], bytes.fromhex(log["data"][2:]))[1:]
            for log in receipt["logs"]
            if log["topics"][0] == REJECTED
        ]
        assert told == expected
        told_skipped = [
            decode(["uint64", "uint16", "uint8", "uint8"], bytes.fromhex(log["data"][2:]))[1:]
            for log in receipt["logs"]
            if log["topics"][0] == SKIPPED
        ]
        assert told_skipped == skipped
        self.last[party] = words
        moved = [
            name
            for name, total in self.model.days.items()
            if name not in days or before[name] != total
        ]
        refs = {(leg.kind, leg.ref) for leg in legs} | {leg.target for leg in legs}
        self._compare([each for each in self.model.pairs if each[1:3] in refs], moved)

    @precondition(lambda self: self.last)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """LEDGER_4: a batch that was posted is sent again, and nothing changes."""
        party = data.draw(st.sampled_from(sorted(self.last)))
        with pytest.raises(PostingRefused, match="PostingWrongSequence"):
            batch = self._batch(party, self.last[party])
            self._send(party, "operator", "Reconciliation", "post", *batch)
        self._compare([], [])

    @rule(
        partner=st.sampled_from([1, 2]),
        kind=st.sampled_from([6, 9]),
        amounts=st.tuples(st.sampled_from(SINGLES), st.sampled_from(SINGLES)),
        days=st.tuples(_day, _day),
    )
    def match_in_either_order(
        self, partner: int, kind: int, amounts: tuple[int, int], days: tuple[int, int]
    ) -> None:
        """RECON_1: the same two halves under two references, either first, end the same."""
        ends = []
        for order in ((0, partner), (partner, 0)):
            self.fresh_ref += 1
            for party in order:
                side = 1 if party else 0
                value_day = self.today + days[side]
                leg = model.Posted(
                    kind, partner, amounts[side], value_day, self.today, self.fresh_ref
                )
                assert self.model.post(party, leg, self.today + DAYS_AHEAD) == model.NONE
                self.sequences[party] += 1
                words, _ = _words([leg])
                batch = self._batch(party, words)
                self._send(party, "operator", "Reconciliation", "post", *batch)
                self.last[party] = words
            named = (self.world.facility, partner, kind, self.fresh_ref)
            ends.append(_told(self.live.views([("Reconciliation", "pair", named)])[0][0]))
        assert ends[0] == ends[1]
        self._compare([], [])

    @rule(party=_side)
    def pause_and_resume(self, party: int) -> None:
        """LEDGER_5: a stop, and its end, move no balance."""
        call = ("approver", "FacilityRegistry")
        self._send(party, *call, "pause", self.world.facility, REASON)
        self._send(party, *call, "resume", self.world.facility, party + 1)
        self._compare([], list(self.model.days))

    @precondition(lambda self: len(self.model.shares) + len(self.model.rules) < MOST_VERSIONS)
    @rule(
        proposer=_side,
        shares=st.none() | st.sampled_from(OTHER_SHARES),
        rules=st.sampled_from(OTHER_RULES),
        later=st.sampled_from([DAYS_AHEAD, DAYS_AHEAD + 1, DAYS_AHEAD + 2]),
    )
    def agree_on_a_version(
        self, proposer: int, shares: list[int] | None, rules: tuple[int, int], later: int
    ) -> None:
        """New shares, or new rules where there are none; then time goes on to about their day.

        LEDGER_5: what the parties agree on moves no balance.
        """
        first = self.today + DAYS_AHEAD + 1
        number = len(self.model.shares) + len(self.model.rules) - 1
        call = ("approver", "FacilityRegistry")
        if shares is not None:
            named = (first, [(bps, bps, bps) for bps in shares])
            self._send(proposer, *call, "proposeShares", self.world.facility, *named, REASON)
            version = len(self.model.shares) + 1
            self.model.shares.append(model.Shares(version, first, shares))
        else:
            agreed = RulesVersion(len(self.model.rules) + 1, first, *rules, DEADLINE_S)
            proposed = (self.world.facility, _rules(agreed), REASON)
            self._send(proposer, *call, "proposeRules", *proposed)
            self.model.rules.append(agreed)
        change = self.live.view("FacilityRegistry", "change", self.world.facility, number)
        agreed_on = encode(["uint8", "bytes", "bytes32"], [change[0], change[-1], REASON])
        accepted = (self.world.facility, number, keccak(agreed_on))
        for party in {0, 1, 2} - {proposer}:
            self._send(party, *call, "acceptChange", *accepted)
        self.live.rpc.call("evm_increaseTime", [later * 86_400])
        self.live.rpc.call("evm_mine", [])
        self.today += later
        assert self.live.today() == self.today
        self._compare([], [])

    @precondition(lambda self: self.model.pairs)
    @rule(
        data=st.data(),
        action=st.sampled_from(Action),
        side=st.sampled_from(Side),
        is_leads=st.booleans(),
        day=st.sampled_from([-3, 0, 1]),
    )
    def resolve(
        self, data: st.DataObject, action: Action, side: Side, is_leads: bool, day: int
    ) -> None:
        """One bank proposes a resolution, the other accepts; or it is not allowed."""
        open_ones = [each for each, pair in self.model.pairs.items() if not pair.is_settled]
        identity = data.draw(st.sampled_from(sorted(open_ones or self.model.pairs)))
        on = self.today + day
        side_number = side.number if action is Action.ADJUST else 0
        terms = (self.world.facility, *identity, action.number, side_number, on)
        asked = ("Reconciliation", "resolutionState", ((*terms, bytes(32), REASON),))
        (state,) = self.live.views([asked])[0]
        named = (*terms, state, REASON)
        proposer, other = (0, identity[0]) if is_leads else (identity[0], 0)
        call = ("approver", "Reconciliation")
        if not self._is_allowed(identity, action, side):
            with pytest.raises(ResolutionRefused):
                self._send(proposer, *call, "proposeResolution", named, b"")
            return
        self._send(proposer, *call, "proposeResolution", named, b"")
        self._send(other, *call, "acceptResolution", named)
        self.model.resolve(identity, action, side, on)
        self._compare([identity], [each for each in self.model.days if each[0] == identity[0]])

    @rule(partner=st.sampled_from([1, 2]), back=st.sampled_from([0, 1, 2]), is_leads=st.booleans())
    def close(self, partner: int, back: int, is_leads: bool) -> None:
        """CLOSE_1: one bank states the model's day, the other confirms it."""
        day = self.today - back
        before, opening = self.closings[partner][-1] if self.closings[partner] else (0, [0] * 3)
        if day <= before:
            return
        moved = self._moved(partner, before + 1, day)
        closed = [start_ + move for start_, move in zip(opening, moved, strict=True)]
        account = self.model.account(partner)
        open_pairs = [
            self._key(identity)
            for identity, pair in self.model.pairs.items()
            if identity[0] == partner and not pair.is_settled
        ]
        statement = (self.world.facility, partner, day, *opening, *moved, *closed, *account[3:])
        named = (statement, sorted(open_pairs))
        digest = keccak(
            hexstr=self.live.contracts["DayClose"].encode_abi("propose", list(named))[10:]
        )
        proposer, other = (0, partner) if is_leads else (partner, 0)
        self._send(proposer, "approver", "DayClose", "propose", *named)
        confirmed = (self.world.facility, partner, day, digest)
        self._send(other, "approver", "DayClose", "confirm", *confirmed)
        self.closings[partner].append((day, closed))
        self.model.closed_through[partner] = day
        self._compare([], [])

    @rule(partner=st.sampled_from([1, 2]))
    def reopen(self, partner: int) -> None:
        """Both banks open the last closed day again."""
        if not self.closings[partner]:
            return
        day, _ = self.closings[partner].pop()
        named = (self.world.facility, partner, day, REASON)
        self._send(partner, "approver", "DayClose", "proposeReopen", *named)
        self._send(0, "approver", "DayClose", "confirmReopen", *named)
        last = self.closings[partner]
        self.model.closed_through[partner] = last[-1][0] if last else 0
        self._compare([], [])

    def _leg(self, party: int, drawn: dict[str, Any]) -> model.Posted:
        """A leg of this bank: mostly what it may send, sometimes wild."""
        kind, target = drawn["kind"], drawn["target"]
        is_reversal = kind == model.REVERSAL
        known = sorted({each[1:3] for each in self.model.pairs if each[1] != model.REVERSAL})
        if known and not drawn["is_wild"]:
            target = known[drawn["known"] % len(known)]
        is_shared = (target[0] if is_reversal else kind) in model.SHARED
        partner = party or (0 if is_shared else drawn["partner"])
        if drawn["is_wild"]:
            partner = drawn["partner"] - 1
        amount = drawn["single"] if not is_shared else drawn["part" if party else "whole"]
        reversed_ = self.model.pairs.get((partner, *target, 0, 0))
        if is_reversal and reversed_ is not None and not drawn["is_wild"]:
            half = reversed_.half(Side.PARTNER if party else Side.LEAD)
            amount = half.amount if half else amount
        return model.Posted(
            kind=kind,
            partner=partner,
            amount=amount,
            value_day=self.today + drawn["value_day"],
            business_day=self.today + drawn["business_day"],
            ref=drawn["ref"],
            shares_day=0 if drawn["shares_day"] is None else self.today + drawn["shares_day"],
            target=target if is_reversal else (0, 0),
            duplicate=drawn["duplicate"],
        )

    def _is_allowed(self, identity: model.Identity, action: Action, side: Side) -> bool:
        pair = self.model.pairs[identity]
        is_reversed = pair.lead_reversed or pair.partner_reversed
        if pair.is_settled or (action is Action.VOID and is_reversed):
            return False
        if pair.lead is None or pair.partner is None:
            if action is Action.WRITE_OFF and identity[1] == model.REVERSAL:
                # the half that is made would reverse its side of the target once more
                target = self.model.pairs[identity[0], *identity[3:], 0, 0]
                return not target.is_reversed(Side.LEAD if pair.lead is None else Side.PARTNER)
            return action in (Action.WRITE_OFF, Action.VOID)
        if action is not Action.ADJUST:
            return True
        return pair.lead.amount != pair.partner.amount and not pair.is_reversed(side)

    def _batch(self, party: int, words: list[bytes]) -> tuple[Any, ...]:
        return (self.world.facility, self.sequences[party], words, b"")

    def _send(self, party: int, purpose: Any, contract: str, function: str, *given: Any) -> Any:
        return self.live.send(key(NAMES[party], purpose), contract, function, *given)

    def _key(self, identity: model.Identity) -> int:
        """The key of a pair, as the contracts name it."""
        partner, kind, ref, target_kind, target_ref = identity
        own = (self.world.facility << 176) | (partner << 168) | (kind << 160) | ref
        if kind != model.REVERSAL:
            return own
        target = (target_kind << 248) | target_ref
        hashed = int.from_bytes(keccak(own.to_bytes(32) + target.to_bytes(32)))
        return (own >> 168 << 216) | (hashed >> 40)

    def _moved(self, partner: int, first: int, last: int) -> list[int]:
        found = [
            total
            for (each, day, _), total in self.model.days.items()
            if each == partner and first <= day <= last
        ]
        return [sum(column) for column in zip(*found, strict=True)] or [0] * 3

    def _compare(self, identities: list[model.Identity], days: list[tuple[int, int, int]]) -> None:
        """The chain's accounts, and these pairs and days, against the model's."""
        facility = self.world.facility
        partners = list(self.model.partners)
        calls: list[tuple[str, str, tuple[Any, ...]]] = [
            ("ReserveLedger", "account", (facility, partner)) for partner in partners
        ]
        calls += [("ReserveLedger", "dayTotal", (facility, *each)) for each in days]
        for partner, kind, ref, *target in identities:
            if kind == model.REVERSAL:
                named = (facility, partner, ref, *target)
                calls.append(("Reconciliation", "reversalPair", named))
            else:
                calls.append(("Reconciliation", "pair", (facility, partner, kind, ref)))
        answers = iter(self.live.views(calls))
        for partner in partners:
            expected = (*self.model.account(partner), self.model.closed_through[partner])
            assert next(answers) == expected, f"account {partner}"
        for each in days:
            assert list(next(answers)) == self.model.days[each], f"day {each}"
        for identity in identities:
            (answer,) = next(answers)
            assert _told(answer) == _shown(self.model.pairs[identity]), f"pair {identity}"

    def _the_days_add_up_to_the_books(self) -> None:
        for partner in self.model.partners:
            named = (self.world.facility, partner, 0, self.today + 40)
            (movements,) = self.live.views([("ReserveLedger", "movements", named)])
            assert movements == self.model.account(partner)[:3]


def _rules(rules: RulesVersion) -> tuple[int, int, int, int, int]:
    return (
        rules.effective_from,
        rules.amount_tolerance,
        rules.date_window_days,
        rules.match_deadline_seconds,
        CUT_OFF_S,
    )


def _words(legs: list[model.Posted]) -> tuple[list[bytes], list[int]]:
    stream, indexes = pack(
        [
            Leg(
                kind=leg.kind,
                partner=leg.partner,
                amount=leg.amount,
                value_day=leg.value_day,
                business_day=leg.business_day,
                shares_day=leg.shares_day,
                reference=leg.ref.to_bytes(20),
                duplicate=leg.duplicate,
                target_kind=leg.target[0],
                target_reference=leg.target[1].to_bytes(20),
            )
            for leg in legs
        ]
    )
    return [stream[at : at + 32] for at in range(0, len(stream), 32)], indexes


def _told(answer: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the chain says of a pair, but for the time of its first half."""
    return (*answer[:5], *answer[6:12])


def _shown(pair: model.KeptPair) -> tuple[Any, ...]:
    """What the model says of a pair, in the order of Solidity's Pair."""
    lead, partner = pair.half(Side.LEAD), pair.half(Side.PARTNER)
    return (
        lead.amount if lead else 0,
        partner.amount if partner else 0,
        lead.value_day if lead else 0,
        partner.value_day if partner else 0,
        lead.business_day if lead else 0,
        pair.rules_version,
        pair.shares_version,
        pair.lead_reversed,
        pair.partner_reversed,
        STATUSES.index(pair.status),
        pair.action.number if pair.action else 0,
    )


def _run(world: World, examples: int, steps: int, *phases: Phase) -> None:
    run_state_machine_as_test(
        lambda: Banks(world),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_chain_does_what_the_model_says(world: World) -> None:
    """Without making a failure smaller, which takes minutes; the long one does."""
    _run(world, 25, 30, Phase.generate)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_the_chain_does_what_the_model_says_for_long(world: World) -> None:
    _run(world, 300, 60, Phase.generate, Phase.shrink)
