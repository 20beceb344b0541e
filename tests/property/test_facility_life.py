"""No dead ends: from every state of a facility an honest majority has a way on, by model checking;
and the contracts do what the model says, on a real chain."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from app.chain.rpc import Rpc
from app.domain.legs import Leg, pack
from ganache.launcher import start
from tests.contracts.live import Live, Purpose, key, terms
from tests.reference.facility_life import (
    ANNA,
    BANKS,
    BERT,
    FIFTH,
    LEAD,
    OTHER,
    PARTIES,
    VOTES,
    Lives,
    Move,
    Rules,
    State,
    moves,
)

TOP_UP, VOID = 6, 4
REASON = keccak(text="why")
DAY_S = 86_400
WALKS, STEPS, REFUSALS = 16, 14, 3
KINDS = {"suspend": 2, "reinstate": 3, "evict": 4}
EVERYTHING = [
    *(Move(one, name) for one in PARTIES for name in ("accept", "decline", "withdraw", "pause")),
    *(Move(one, "resume", other) for one in PARTIES for other in (LEAD, ANNA)),
    *(Move(one, "post") for one in (LEAD, ANNA)),
    *(
        Move(one, f"{verb}_resolution")
        for one in (LEAD, ANNA)
        for verb in ("propose", "accept", "dispute", "withdraw")
    ),
    *(Move(one, name) for one in PARTIES for name in ("hold", "release", "accept_close")),
]
"""What parties may try; only what the model knows of is refused by the contracts, too."""


@pytest.fixture(scope="module")
def lives() -> Lives:
    return Lives(Rules())


def ended(lives: Lives) -> set[State]:
    return {state for state in lives.next if state.is_ended}


def taking_legs(lives: Lives) -> set[State]:
    return {state for state in lives.next if state.takes_legs}


@pytest.mark.parametrize("dishonest", ["", LEAD, ANNA])
def test_every_facility_can_be_ended_without_one_of_its_banks(lives: Lives, dishonest: str) -> None:
    assert not lives.cut_off(ended(lives), dishonest, without=())


@pytest.mark.parametrize("dishonest", ["", LEAD, ANNA])
def test_one_banks_pause_stops_nobody_for_ever(lives: Lives, dishonest: str) -> None:
    """Nobody need be suspended or evicted for it."""
    stopped = lives.cut_off(taking_legs(lives), dishonest, without=("suspend", "evict"))
    assert not {one for one in stopped if one.phase == "active" and one.paused}


def test_the_pauses_of_one_month_do_not_last_it_out(lives: Lives) -> None:
    """Whoever pauses, and however often."""
    again = [
        (state, move)
        for state, steps in lives.next.items()
        for move, _ in steps
        if state.pauses == "over" and move.name == "pause"
    ]
    assert not again


def test_a_settled_leg_is_not_the_only_one_that_closes(lives: Lives) -> None:
    """The close over open legs is for evicted banks alone."""
    for state, steps in lives.next.items():
        for _, after in steps:
            if after.phase == "closed" and state.leg == "open":
                assert "evicted" in (state.lead, state.anna)


class TestAsItWas:
    """What the check finds without each of the rules."""

    def test_a_pause_lasted_as_long_as_its_bank_liked(self) -> None:
        lives = Lives(Rules(pauses_end=False))
        stopped = lives.cut_off(taking_legs(lives), ANNA, without=("suspend", "evict"))
        assert State("active", frozenset({ANNA, BERT}), paused=frozenset({ANNA})) in {
            one._replace(pauses="free") for one in stopped
        }

    def test_an_evicted_banks_open_leg_kept_a_facility_for_ever(self) -> None:
        lives = Lives(Rules(evicted_banks_legs_stay_open=False))
        cut_off = lives.cut_off(ended(lives), "", without=())
        assert cut_off
        assert all(one.leg == "open" and "evicted" in (one.lead, one.anna) for one in cut_off), (
            "that, and nothing else"
        )


class Facility:
    """A facility on a real chain, moved as the model's."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.numbers = {name: place for place, name in enumerate(BANKS, 1)}
        self.terms = terms("F", 1, {2: (5_000, 5_000, 5_000), 3: (2_500, 2_500, 2_500)})
        live.send(key(LEAD, "approver"), "FacilityRegistry", "propose", self.terms)
        self.number: int = live.view("FacilityRegistry", "facilityNumber", "F")
        self.today = live.today()

    def call(self, move: Move) -> tuple[Purpose, str, str, tuple[Any, ...]]:
        """Key's purpose, contract, function and arguments of a party's move."""
        registry, pair = "FacilityRegistry", self._resolution()
        change = self.live.view(registry, "changeCount", self.number)
        content = (self.number, change, self._change_hash())
        calls: dict[str, tuple[Purpose, str, str, tuple[Any, ...]]] = {
            "accept": ("approver", registry, "accept", (self.number, self._terms_hash())),
            "decline": ("approver", registry, "decline", (self.number, REASON)),
            "withdraw": ("approver", registry, "withdraw", (self.number,)),
            "pause": ("approver", registry, "pause", (self.number, REASON)),
            "resume": (
                "approver",
                registry,
                "resume",
                (self.number, self.numbers.get(move.about, 0)),
            ),
            "propose_close": ("approver", registry, "proposeClose", (self.number, REASON)),
            "accept_close": ("approver", registry, "acceptChange", content),
            "enact_close": ("approver", registry, "enactChange", content),
            "post": ("operator", "Reconciliation", "post", self._posting(move.actor)),
            "propose_resolution": (
                "approver",
                "Reconciliation",
                "proposeResolution",
                (pair, b""),
            ),
            "accept_resolution": ("approver", "Reconciliation", "acceptResolution", (pair,)),
            "dispute_resolution": (
                "approver",
                "Reconciliation",
                "disputeResolution",
                (pair, REASON, b""),
            ),
            "withdraw_resolution": ("approver", "Reconciliation", "withdrawResolution", (pair,)),
            "hold": (
                "operator",
                "ReserveLedger",
                "hold",
                (self.number, 1, 77, 1, self.live.now() + DAY_S),
            ),
            "release": ("operator", "ReserveLedger", "release", (self.number, 1, 77)),
        }
        return calls[move.name]

    def do(self, move: Move) -> None:
        if move.name in VOTES:
            self._vote(move)
        elif move.name in ("week", "month"):
            days = 7 if move.name == "week" else 31
            self.live.rpc.call("evm_increaseTime", [days * DAY_S])
            self.live.rpc.call("evm_mine", [])
        else:
            purpose, contract, function, arguments = self.call(move)
            self.live.send(key(move.actor, purpose), contract, function, *arguments)
            if self.live.view("FacilityRegistry", "state", self.number) == 2:
                self._settle_a_reserve()

    def refuses(self, move: Move) -> bool:
        purpose, contract, function, arguments = self.call(move)
        sender = key(move.actor, purpose)
        return self.live.refusal(sender, contract, function, *arguments) is not None

    def seen(self, state: State) -> State:
        """The model's state with what the contracts say in its place."""
        view = self.live.view
        phases = {1: "proposed", 2: "active", 3: "active", 4: "closed", 5: "withdrawn"}
        standings = {1: "active", 2: "suspended", 3: "evicted"}
        lead, anna = (
            standings[view("ConsortiumRegistry", "standingOf", self.numbers[name])[1]]
            for name in (LEAD, ANNA)
        )
        stands = view("FacilityRegistry", "state", self.number)
        paused = frozenset(
            name
            for name in (LEAD, ANNA)
            if view("FacilityRegistry", "pausedBy", self.number, self.numbers[name])
        )
        assert stands != 3 or paused, "paused by somebody"
        open_ = view("ReserveLedger", "openLegsOf", self.number, 1, True)
        held = view("ReserveLedger", "heldOf", self.number, 1)[1]
        return state._replace(
            phase=phases[stands],
            lead=lead,
            anna=anna,
            paused=paused,
            leg="open" if open_ else "settled" if state.leg == "settled" else "none",
            hold=state.hold if held else "ended" if state.hold == "ended" else "none",
        )

    def _settle_a_reserve(self) -> None:
        """A balance that can be held, once."""
        if self.live.view("ReserveLedger", "account", self.number, 1)[2]:
            return
        for name in (LEAD, ANNA):
            arguments = self._posting(name, ref=1)
            self.live.send(key(name, "operator"), "Reconciliation", "post", *arguments)

    def _posting(self, name: str, ref: int = 9) -> tuple[Any, ...]:
        sequence = self.live.view("Reconciliation", "head", self.number, self.numbers[name])[0] + 1
        leg = Leg(TOP_UP, 1, 100, self.today, self.today, 0, ref.to_bytes(20))
        stream, _ = pack([leg])
        words = [stream[at : at + 32] for at in range(0, len(stream), 32)]
        return (self.number, sequence, words, b"")

    def _resolution(self) -> tuple[Any, ...]:
        pair = (self.number << 176) | (1 << 168) | (TOP_UP << 160) | 9
        proposed = self.live.view("Reconciliation", "resolutionOf", pair)
        waiting = proposed[0] != bytes(32)
        state = proposed[1] if waiting else self.live.view("Reconciliation", "stateOf", pair)
        return (self.number, 1, TOP_UP, 9, 0, 0, VOID, 0, self.today, state, REASON)

    def _terms_hash(self) -> bytes:
        data = self.live.contracts["FacilityRegistry"].encode_abi("propose", [self.terms])
        return keccak(hexstr=data[10:])

    def _change_hash(self) -> bytes:
        return keccak(encode(["uint8", "bytes", "bytes32"], [3, b"", REASON]))

    def _vote(self, move: Move) -> None:
        registry = "ConsortiumRegistry"
        payload = encode(["uint16"], [self.numbers[move.about]])
        kind = KINDS[move.name]
        self.live.send(key(OTHER, "approver"), registry, "propose", kind, payload, REASON)
        number = self.live.view(registry, "proposalCount")
        for name in (FIFTH, BERT, ANNA, LEAD):
            proposal = self.live.view(registry, "proposal", number)
            if proposal[1] != 1:
                return
            if name != move.about and self.live.view(registry, "isActiveBank", self.numbers[name]):
                content = proposal[-2]
                self.live.send(key(name, "approver"), registry, "vote", number, content, True)
        assert self.live.view(registry, "proposal", number)[1] != 1, "the vote is carried"


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    folder = tmp_path_factory.mktemp("life")
    with (
        start("anvil", state_dir=folder, keep_state=False) as chain,
        closing(Rpc(chain.process.url)) as rpc,
    ):
        live = Live(rpc)
        live.found(dict.fromkeys(BANKS, "partner") | {LEAD: "lead", OTHER: "lead"})
        yield Facility(live)


@pytest.mark.parametrize("seed", range(WALKS))
def test_the_contracts_do_what_the_model_does(facility: Facility, seed: int) -> None:
    chosen = random.Random(seed)
    snapshot = facility.live.rpc.call("evm_snapshot", [])
    state = State()
    done: list[Move] = []
    for _ in range(STEPS):
        steps = list(moves(state, Rules()))
        if not steps:
            break
        known = {move for move, _ in steps}
        for move in chosen.sample(EVERYTHING, REFUSALS):
            if _is_told_apart(state, move):
                assert (move in known) != facility.refuses(move), (done, state, move)
        # endings end a walk: the later the better
        going_on = [step for step in steps if not step[1].is_ended]
        move, after = chosen.choice(going_on if going_on and len(done) < 8 else steps)
        facility.do(move)
        done.append(move)
        state = after
        assert facility.seen(state) == state, (done, move)
    assert facility.live.rpc.call("evm_revert", [snapshot])


def _is_told_apart(state: State, move: Move) -> bool:
    """Whether the model says of a move all that the contracts would: a leg that is there already is
    rejected and not refused, and an acceptance needs something to be accepted."""
    if move.name == "post":
        return not state.takes_legs or not state.is_active(move.actor)
    return move.name != "accept_close" or bool(state.closing)
