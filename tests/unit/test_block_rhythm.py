"""A node at rest asks for the newest block when it is due, and sees it as soon as ever."""

from __future__ import annotations

import random

import pytest

from app.node.block_rhythm import SOON_S, BlockRhythm


def looks_and_delays(period_s: float, jitter_s: float, seconds: float) -> tuple[float, list[float]]:
    """Looks a second on a chain that makes a block each period, and how late each was seen."""
    chance = random.Random(7)
    rhythm, now_s, seen, looks = BlockRhythm(0.0), 0.0, 0, 0
    times = [n * period_s + chance.uniform(0, jitter_s) for n in range(int(seconds / period_s) + 2)]
    delays = []
    while now_s < seconds:
        head = sum(1 for one in times if one <= now_s)
        rhythm.note(head, now_s)
        if head > seen:
            delays.append(now_s - times[head - 1])
        seen, looks = head, looks + 1
        now_s += rhythm.wait_s(now_s)
    return looks / seconds, delays


@pytest.mark.parametrize("period_s", [1.0, 2.0, 5.0])
def test_blocks_in_time_are_seen_at_once_with_few_looks(period_s: float) -> None:
    looks, delays = looks_and_delays(period_s, 0.05, 300.0)
    assert looks < 3.5 / min(period_s, 1.0)
    assert max(delays[10:]) <= SOON_S + 0.001


def test_a_node_that_waits_for_a_block_looks_more_often_while_one_is_due() -> None:
    rhythm = BlockRhythm(0.0)
    for block in range(20):
        rhythm.note(block, float(block))
    assert rhythm.wait_s(19.0, is_waiting=True) == SOON_S
    assert rhythm.wait_s(19.85, is_waiting=True) == pytest.approx(0.05)
    assert rhythm.wait_s(19.95, is_waiting=True) == pytest.approx(0.03)
    assert rhythm.wait_s(20.3, is_waiting=True) == pytest.approx(0.03)
    assert rhythm.wait_s(40.0, is_waiting=True) == SOON_S


def test_blocks_at_any_time_are_seen_soon() -> None:
    _, delays = looks_and_delays(0.5, 0.5, 120.0)
    assert max(delays) <= 0.5


def test_a_chain_that_stands_still_or_jumps_is_looked_at_often() -> None:
    rhythm = BlockRhythm(0.0)
    for block in range(20):
        rhythm.note(block, float(block))
    assert rhythm.wait_s(19.0) == pytest.approx(0.9)
    assert rhythm.wait_s(19.95) == SOON_S
    assert rhythm.wait_s(40.0) <= 0.2
    rhythm.note(1_000, 40.0)
    assert rhythm.wait_s(40.0) <= 0.2


def test_no_endpoint_makes_it_wait_for_long() -> None:
    rhythm = BlockRhythm(0.0)
    for block in range(20):
        rhythm.note(block, 3_600.0 * block)
    assert rhythm.wait_s(19 * 3_600.0) == 1.0


def test_a_chain_that_makes_no_blocks_is_late() -> None:
    rhythm = BlockRhythm(0.0)
    for block in range(20):
        rhythm.note(block, 2.0 * block)
    assert not rhythm.is_late(38.0 + 30.0)
    assert rhythm.is_late(38.0 + 31.0)
    rhythm.note(20, 100.0)
    assert not rhythm.is_late(100.0 + 8 * 62.0)
    slow = BlockRhythm(0.0)
    for block in range(20):
        slow.note(block, 15.0 * block)
    assert not slow.is_late(285.0 + 120.0)
    assert slow.is_late(285.0 + 121.0)


def test_a_chain_that_makes_blocks_for_transactions_alone_is_never_late() -> None:
    rhythm = BlockRhythm(0.0)
    assert not rhythm.is_late(3_600.0)
    for block in range(40):
        rhythm.note(block, 0.1 * block)
    for block in range(40, 60):
        rhythm.note(block, 10.0 + block * (block % 3))
    assert not rhythm.is_late(3_600.0)


def test_no_block_is_looked_for_before_one_can_come() -> None:
    rhythm = BlockRhythm(0.0)
    assert rhythm.quiet_s(0.0) == 0.0
    for block, now_s in enumerate((0.0, 1.0, 3.0, 4.0)):
        rhythm.note(block, now_s)
    assert rhythm.quiet_s(4.2) == pytest.approx(0.7)
    assert rhythm.quiet_s(5.0) == 0.0
    rhythm.note(4, 4.01)  # a chain that makes one for each transaction
    assert rhythm.quiet_s(4.01) < 0.01
