"""How much a bank has on its way, on simulated chains of a given speed."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

import pytest

from app.chain.engines import engine
from app.outbox.pace import Pace

ANVIL, BESU, EDGE = (engine(name).pacing for name in ("anvil", "besu", "edge"))
PERIOD_S = 2.0
SELECTION_S = 0.75
"""How long a node runs transactions for a block."""


@dataclass
class Chain:
    """Makes a block each period of what runs within the selection's time. A first transaction that
    takes longer makes rounds fail, each twice as long as the last, until it is let through."""

    gas_per_s: float
    pool: deque[tuple[int, int]] = field(default_factory=deque)
    """Each transaction's bank and gas."""
    mined: dict[int, list[int]] = field(default_factory=dict)
    due_s: float = PERIOD_S
    stalled_s: float = 0.0
    height: int = 0

    @property
    def block_gas(self) -> float:
        return self.gas_per_s * SELECTION_S

    def advance(self, now_s: float) -> None:
        while self.due_s <= now_s:
            at_s, left = self.due_s, self.block_gas
            self.due_s += PERIOD_S
            self.height += 1
            if self.pool and self.pool[0][1] > left:
                rounds = 1
                while self.block_gas * rounds < self.pool[0][1]:
                    rounds += 1
                penalty_s = PERIOD_S * (2**rounds)
                self.due_s = at_s + penalty_s
                self.stalled_s += penalty_s
                left = self.pool[0][1]
            while self.pool and self.pool[0][1] <= left:
                bank, gas = self.pool.popleft()
                left -= gas
                self.mined.setdefault(bank, []).append(gas)


@dataclass
class Bank:
    """A bank that always has more to post."""

    number: int
    pace: Pace
    sent: list[int] = field(default_factory=list)

    def look(self, now_s: float, chain: Chain) -> None:
        mined = len(chain.mined.get(self.number, []))
        waiting = self.sent[mined:]
        self.pace.note(now_s, chain.height, mined, len(self.sent), len(waiting), sum(waiting))
        while self.pace.has_room():
            gas = self.pace.transaction_gas
            self.pace.add(gas)
            self.sent.append(gas)
            chain.pool.append((self.number, gas))


def run(chain: Chain, seconds: range, banks: list[Bank]) -> None:
    """Two looks a second, by the banks in any order."""
    chance = random.Random(1)
    for now_s in seconds:
        for half in (0.0, 0.5):
            chain.advance(now_s + half)
            for bank in chance.sample(banks, len(banks)):
                bank.look(now_s + half, chain)


@pytest.mark.parametrize("gas_per_s", [400e6, 100e6, 30e6, 10e6, 3e6])
def test_a_chain_of_any_speed_is_used_and_does_not_stall(gas_per_s: float) -> None:
    chain = Chain(gas_per_s)
    run(chain, range(1200), [Bank(0, Pace(BESU))])
    assert sum(chain.mined[0]) >= 0.8 * chain.block_gas * 1200 / PERIOD_S
    assert chain.stalled_s == 0


def test_a_chain_that_becomes_slow_is_not_stalled_for_long() -> None:
    chain, bank = Chain(300e6), Bank(0, Pace(BESU))
    run(chain, range(600), [bank])
    assert bank.pace.transaction_gas > 5_000_000
    chain.gas_per_s = 6e6
    run(chain, range(600, 1500), [bank])  # what was sent before cannot be made smaller any more
    stalled_s, before = chain.stalled_s, sum(chain.mined[0])
    run(chain, range(1500, 2700), [bank])
    assert sum(chain.mined[0]) - before >= 0.8 * chain.block_gas * 1200 / PERIOD_S
    assert chain.stalled_s == stalled_s


def test_it_is_halved_at_once_where_nothing_is_mined() -> None:
    pace = Pace(EDGE)
    pace.note(0.0, 0, 0, 24, 24, EDGE.most_gas)
    halves = []
    for now_s in range(1, 100):
        pace.note(float(now_s), 0, 0, 24, 24, EDGE.most_gas)
        halves.append(pace.gas)
    assert sorted(set(halves), reverse=True)[:3] == [EDGE.most_gas // n for n in (1, 2, 4)]
    assert pace.transaction_gas < EDGE.most_transaction_gas / 4


def test_banks_that_queue_for_a_block_send_fewer_batches_and_no_smaller_ones() -> None:
    """Small batches cost more gas a pair; what runs well does so in batches of any size."""
    pace = Pace(ANVIL)
    now, block, mined = 0.0, 0, 0
    for _ in range(6):  # each time it takes five blocks
        count = 0
        while pace.has_room():
            pace.add(pace.transaction_gas)
            count += 1
        pace.note(now, block, mined, mined + count, count, count * pace.transaction_gas)
        now, block, mined = now + 5.0, block + 5, mined + count
        pace.note(now, block, mined, mined, 0, 0)
    assert pace.gas < ANVIL.first_gas / 2
    assert pace.transaction_gas == ANVIL.most_transaction_gas


def test_banks_beside_each_other_share() -> None:
    chain = Chain(60e6)
    banks = [Bank(number, Pace(BESU)) for number in range(3)]
    run(chain, range(400), banks[:1])
    run(chain, range(400, 1600), banks)
    before = [sum(chain.mined[number]) for number in range(3)]
    run(chain, range(1600, 2800), banks)
    taken = [sum(chain.mined[number]) - before[number] for number in range(3)]
    assert min(taken) >= 0.5 * max(taken), taken
    assert sum(taken) >= 0.8 * chain.block_gas * 1200 / PERIOD_S


def mined_soon(pace: Pace, rounds: int, *, is_used_up: bool, from_s: float = 0.0) -> None:
    """All that is on its way is mined within a block, again and again."""
    for one in range(rounds):
        now_s = from_s + one * 2.0
        pace.note(now_s, one, one, one, 0, 0)
        pace.add(pace.gas if is_used_up else 1)
        pace.has_room()
        pace.note(now_s + 0.1, one, one, one + 1, 1, 1)
        pace.has_room() if not is_used_up else pace.add(pace.gas)
        pace.has_room()


def test_what_is_not_used_up_does_not_grow() -> None:
    pace = Pace(BESU)
    mined_soon(pace, 50, is_used_up=False)
    assert pace.gas == BESU.first_gas


def test_it_stays_within_its_bounds() -> None:
    pace = Pace(BESU)
    mined_soon(pace, 200, is_used_up=True)
    assert pace.gas == BESU.most_gas
    for look in range(100):
        pace.note(4000.0 + look * 9.0, 200, 200, 224, 24, BESU.most_gas)
    assert pace.gas == pace.transaction_gas == BESU.least_gas
    pace.note(9000.0, 201, 224, 224, 0, 0)
    assert pace.has_room()


def test_it_recovers_from_a_chain_that_stood_still() -> None:
    pace = Pace(EDGE)
    pace.note(0.0, 0, 0, 24, 24, EDGE.most_gas)
    for look in range(1, 20):
        pace.note(look * 60.0, 0, 0, 24, 24, EDGE.most_gas)
    assert pace.gas == EDGE.least_gas
    mined_soon(pace, 400, is_used_up=True, from_s=2000.0)
    assert pace.gas == EDGE.most_gas


@pytest.mark.parametrize("most_blocks", [2, 4])
def test_it_grows_soon_where_each_transaction_waits_for_some_blocks(most_blocks: int) -> None:
    """As on Polygon Edge, where that says nothing of what the chain can swallow."""
    chance, pace = random.Random(2), Pace(EDGE)
    pace.note(0.0, 0, 0, 24, 24, EDGE.most_gas)
    for look in range(1, 120):  # it stands still
        pace.note(float(look), 0, 0, 24, 24, EDGE.most_gas)
    assert pace.transaction_gas < EDGE.most_transaction_gas / 10
    due = deque((1 + place // 3, EDGE.most_transaction_gas) for place in range(24))
    mined, until_whole_s = 0, 0
    while pace.transaction_gas < EDGE.most_transaction_gas:
        until_whole_s += 1
        just_mined = []  # the view shows them as final at the next look
        while due and due[0][0] <= until_whole_s:
            just_mined.append(due.popleft())
        mined += len(just_mined)
        on_their_way = [gas for _, gas in (*just_mined, *due)]
        pace.note(
            120.0 + until_whole_s, until_whole_s, mined, mined + len(due),
            len(on_their_way), sum(on_their_way),
        )  # fmt: skip
        while pace.has_room():
            at = until_whole_s + chance.randint(2, most_blocks)
            pace.add(pace.transaction_gas)
            due.append((max(at, due[-1][0] if due else 0), pace.transaction_gas))
        assert until_whole_s < 60


@pytest.mark.parametrize("name", ["anvil", "ganache", "edge", "besu"])
def test_every_engine_begins_within_its_bounds(name: str) -> None:
    bounds = engine(name).pacing
    assert bounds.least_gas <= bounds.first_gas <= bounds.most_gas
    assert bounds.least_gas <= bounds.most_transaction_gas
