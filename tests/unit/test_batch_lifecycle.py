"""The life of a batch: the whole table, and what it promises on a simulated chain."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbox import lifecycle
from app.outbox.lifecycle import (
    BROADCAST,
    CONFLICTING,
    EARLY,
    FINAL,
    FORBIDDEN,
    MAX_FAILURES,
    OPEN,
    REFUSED,
    REORGED,
    REVERTED,
    SEALED,
    STOPPED,
    Batch,
    Decision,
    Receipt,
    Seen,
    decide,
    failures,
    seen_of,
)

STATES = (*OPEN, FINAL, STOPPED)


@pytest.mark.parametrize(("state", "seen"), list(itertools.product(STATES, Seen)))
def test_every_state_by_everything_that_may_be_seen(state: str, seen: Seen) -> None:
    expected = state
    if seen is Seen.UNCOUNTED and state == FINAL:
        expected = REORGED
    elif seen is Seen.COUNTED:
        expected = FINAL
    elif state in OPEN:
        expected = {
            Seen.NONCE_TAKEN: CONFLICTING,
            Seen.OUT_OF_TURN: EARLY,
            Seen.FAILED: FORBIDDEN if state == FORBIDDEN else REVERTED,
            Seen.BARRED: FORBIDDEN,
            Seen.PENDING: REORGED if state in REFUSED else state,
        }.get(seen, state)
    assert lifecycle.NEXT.get((state, seen), state) == expected


@pytest.mark.parametrize(
    ("sequence", "nonce", "receipt", "was_missing", "nonce_ahead", "seen"),
    [
        (3, 0, Receipt.NONE, True, None, Seen.COUNTED),
        (4, 9, Receipt.NONE, True, None, Seen.PENDING),
        (4, 6, Receipt.SUCCEEDED, True, 5, Seen.UNCLEAR),
        (4, 6, Receipt.NONE, False, 5, Seen.UNCLEAR),
        (4, 6, Receipt.NONE, True, 5, Seen.NONCE_TAKEN),
        (4, 6, Receipt.FAILED, False, 5, Seen.FAILED),
        (4, 6, Receipt.FAILED, False, None, Seen.FAILED),
        (4, 6, Receipt.FAILED, False, 7, Seen.OUT_OF_TURN),
        (5, 6, Receipt.FAILED, False, 5, Seen.OUT_OF_TURN),
    ],
)
def test_what_is_seen(
    sequence: int,
    nonce: int,
    receipt: Receipt,
    was_missing: bool,
    nonce_ahead: int | None,
    seen: Seen,
) -> None:
    batch = Batch(sequence, BROADCAST, nonce)
    found = seen_of(
        batch,
        head=3,
        mined=9,
        receipt=receipt,
        was_missing=was_missing,
        nonce_ahead=nonce_ahead,
    )
    assert found is seen


def decided(*looked_at: tuple[Seen, str] | tuple[Seen, str, int]) -> list[Decision]:
    return decide(
        [
            (Batch(place, state, place, *count), seen)
            for place, (seen, state, *count) in enumerate(looked_at, start=1)
        ]
    )


ANEW = Decision((SEALED,), sign=True)


def test_a_taken_nonce_is_signed_anew_with_all_that_came_early() -> None:
    assert decided((Seen.NONCE_TAKEN, BROADCAST), *[(Seen.OUT_OF_TURN, BROADCAST)] * 2) == [
        Decision((CONFLICTING, SEALED), sign=True),
        *[Decision((EARLY, SEALED), sign=True)] * 2,
    ]


@pytest.mark.parametrize("ahead", [Seen.UNCLEAR, Seen.BARRED])
def test_nothing_is_signed_behind_what_is_not_known_or_not_allowed(ahead: Seen) -> None:
    first, second, third = decided(
        (ahead, BROADCAST), (Seen.OUT_OF_TURN, BROADCAST), (Seen.NONCE_TAKEN, BROADCAST)
    )
    assert not first.sign
    assert second == Decision((EARLY,))
    assert third == Decision((CONFLICTING,))


def test_what_was_early_waits_no_longer_than_what_it_waits_for() -> None:
    assert decided((Seen.UNCLEAR, BROADCAST), (Seen.OUT_OF_TURN, EARLY))[1] == Decision()
    assert decided((Seen.PENDING, BROADCAST), (Seen.OUT_OF_TURN, EARLY))[1] == ANEW
    assert decided((Seen.FAILED, FORBIDDEN), (Seen.OUT_OF_TURN, EARLY)) == [
        ANEW,
        ANEW,
    ]


def test_the_last_failure_stops_the_batch_and_those_behind_it() -> None:
    assert decided(
        (Seen.FAILED, BROADCAST, MAX_FAILURES - 1),
        (Seen.OUT_OF_TURN, BROADCAST, MAX_FAILURES),
        (Seen.PENDING, BROADCAST),
    ) == [Decision((REVERTED, STOPPED)), Decision((EARLY,)), Decision()]
    assert decided((Seen.FAILED, STOPPED), (Seen.NONCE_TAKEN, BROADCAST)) == [
        Decision(),
        Decision((CONFLICTING,)),
    ]


def test_to_come_early_is_no_failure() -> None:
    assert decided((Seen.OUT_OF_TURN, BROADCAST, 100)) == [Decision((EARLY, SEALED), sign=True)]
    assert failures([SEALED, BROADCAST, EARLY] * 10) == 0


@pytest.mark.parametrize(
    ("history", "count"),
    [
        ([], 0),
        ([SEALED, BROADCAST, REVERTED, SEALED, BROADCAST, CONFLICTING], 2),
        ([REVERTED, REVERTED, STOPPED, SEALED, REVERTED], 1),
        ([REVERTED, FORBIDDEN, SEALED], 0),
    ],
)
def test_failures_since_somebody_let_it_go_on(history: list[str], count: int) -> None:
    assert failures(history) == count


@dataclass
class Chain:
    """Nonces of one key, mined in order; several facilities, each with its own sequence."""

    facilities: int
    heads: list[int] = field(default_factory=list)
    mined: list[tuple[int, int, bool]] = field(default_factory=list)
    """Each nonce's facility (-1: another's), sequence and whether it succeeded."""
    failing: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.heads = [0] * self.facilities

    def mine(self, facility: int, sequence: int) -> None:
        good = (
            facility >= 0
            and sequence == self.heads[facility] + 1
            and (facility, sequence) not in self.failing
        )
        if good:
            self.heads[facility] = sequence
        self.mined.append((facility, sequence, good))


@dataclass
class Key:
    """What the outbox holds of one key: its batches and the bytes given to each nonce."""

    chain: Chain
    states: list[dict[int, str]] = field(default_factory=list)
    history: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    nonces: list[tuple[int, int]] = field(default_factory=list)
    missing: set[tuple[int, int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.states = [{} for _ in range(self.chain.facilities)]

    def seal(self, facility: int) -> None:
        sequence = len(self.states[facility]) + 1
        self.record(facility, sequence, SEALED)
        self.sign(facility, sequence)

    def record(self, facility: int, sequence: int, *states: str) -> None:
        self.history.setdefault((facility, sequence), []).extend(states)
        self.states[facility][sequence] = states[-1]

    def sign(self, facility: int, sequence: int) -> None:
        # Nonces that others used are known by the chain's count.
        while len(self.nonces) < len(self.chain.mined):
            self.nonces.append((-1, 0))
        self.nonces.append((facility, sequence))

    def newest(self, facility: int, sequence: int) -> int | None:
        found = [n for n, one in enumerate(self.nonces) if one == (facility, sequence)]
        return found[-1] if found else None

    def settle(self, facility: int) -> None:
        chain = self.chain
        looked_at = []
        missing = set()
        for sequence, state in sorted(self.states[facility].items()):
            if state == FINAL:
                continue
            nonce = self.newest(facility, sequence)
            assert nonce is not None
            receipt = Receipt.NONE
            if nonce < len(chain.mined):
                found = chain.mined[nonce]
                if found[:2] == (facility, sequence):
                    receipt = Receipt.SUCCEEDED if found[2] else Receipt.FAILED
                else:
                    missing.add((facility, sequence, nonce))
            batch = Batch(sequence, state, nonce, failures(self.history[facility, sequence]))
            seen = seen_of(
                batch,
                head=chain.heads[facility],
                mined=len(chain.mined),
                receipt=receipt,
                was_missing=(facility, sequence, nonce) in self.missing,
                nonce_ahead=self.newest(facility, sequence - 1),
            )
            looked_at.append((batch, seen))
        self.missing = {one for one in self.missing if one[0] != facility} | missing
        for (batch, _), decision in zip(looked_at, decide(looked_at), strict=True):
            if decision.states:
                self.record(facility, batch.sequence, *decision.states)
            if decision.sign:
                self.sign(facility, batch.sequence)

    def mine(self, most: int | None = None) -> None:
        """Mine what waits, or the first of it."""
        due = self.nonces[len(self.chain.mined) :]
        for facility, sequence in due[:most]:
            self.chain.mine(facility, sequence)

    def do(self, step: str, number: int) -> None:
        match step:
            case "seal":
                self.seal(number % self.chain.facilities)
            case "mine":
                self.mine(number)
            case "settle":
                self.settle(number % self.chain.facilities)
            case "another's":
                for _ in range(number):
                    self.chain.mine(-1, 0)

    def not_final(self, facility: int) -> dict[int, str]:
        """Batches that are not final although none ahead of them has stopped."""
        states = self.states[facility]
        stop = min((one for one in states if states[one] == STOPPED), default=len(states) + 1)
        return {one: state for one, state in states.items() if one < stop and state != FINAL}


@given(
    facilities=st.integers(1, 3),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("seal"), st.integers(0, 2)),
            st.tuples(st.just("mine"), st.integers(1, 4)),
            st.tuples(st.just("settle"), st.integers(0, 2)),
            st.tuples(st.just("another's"), st.integers(1, 2)),
        ),
        max_size=40,
    ),
    failing=st.booleans(),
)
def test_everything_ends_final_or_stopped_within_bounds(
    facilities: int, steps: list[tuple[str, int]], failing: bool
) -> None:
    chain = Chain(facilities)
    if failing:
        chain.failing = {(0, 2)}
    key = Key(chain)
    for step, number in steps:
        key.do(step, number)
    others = sum(facility < 0 for facility, _, _ in chain.mined)
    for _ in range(4 * (MAX_FAILURES + 2 + others)):
        for facility in range(facilities):
            key.settle(facility)
        key.mine()
    for facility, states in enumerate(key.states):
        assert not key.not_final(facility), key.history
        if not (failing and facility == 0) and others < MAX_FAILURES:
            assert STOPPED not in states.values()
    attempts = len([one for one in key.nonces if one[0] >= 0])
    assert attempts <= sum(map(len, key.states)) * (MAX_FAILURES + others + 2)
