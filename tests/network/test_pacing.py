"""Pacing on four validators of which two stand still: banks send smaller batches while no block
comes, larger ones again once blocks come, and nothing is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from app.chain.engines import engine
from app.outbox.tables import batches
from deploy.network.health import look
from deploy.network.layout import Network
from tests.killing import KilledNode
from tests.load import steady
from tests.network.running import await_health
from tests.network.test_kill import banks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EVENTS_PER_S = 200
PACING = engine("edge").pacing
STOPPED_S = 2 * PACING.late_after_s + 5.0
"""Long enough that a bank halves what it sends at least three times before blocks come again: the
others notice late that there are enough of them."""
GOES_ON_S = 420.0


@contextmanager
def stopped(network: Network, names: Iterable[str]) -> Iterator[None]:
    """These validators stand still: they run, their ports are open, and they do nothing."""
    found = look(network).validators
    frozen = [psutil.Process(one.pid) for one in found if one.validator.name in names]
    try:
        for one in frozen:
            one.send_signal(signal.SIGSTOP)
        yield
    finally:
        for one in frozen:
            one.send_signal(signal.SIGCONT)


def legs_of(node: KilledNode, after: int) -> list[int]:
    """How many legs each batch of a bank has, in order, after that sequence."""
    with node.engine.connect() as connection:
        rows = connection.execute(
            select(batches.c.legs)
            .where(batches.c.facility == node.facility, batches.c.sequence > after)
            .order_by(batches.c.sequence)
        )
        return [int(one) for one in rows.scalars()]


def last_sequence(node: KilledNode) -> int:
    with node.engine.connect() as connection:
        newest = connection.execute(
            select(func.max(batches.c.sequence)).where(batches.c.facility == node.facility)
        ).scalar_one()
    return int(newest or 0)


def await_growth(node: KilledNode, after: int, legs: int, within_s: float) -> list[int]:
    """Until a batch after that sequence carries so many legs; returns the legs of all of them."""
    deadline = time.monotonic() + within_s
    while max(found := legs_of(node, after), default=0) < legs:
        assert time.monotonic() < deadline, (found, node.said())
        time.sleep(0.5)
    return found


def test_batches_shrink_while_no_block_comes_and_grow_again(
    running: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with banks(running, "PACE", tmp_path, fed=steady(EVENTS_PER_S), hurried=False) as both:
        with stopped(running, {"ostrava-1", "plzen-1"}):
            await_health(running, lambda now: now.stalled, 60)
            since, height = time.monotonic(), look(running).height
            await_health(running, lambda _: time.monotonic() - since > STOPPED_S, 2 * STOPPED_S)
            assert look(running).height == height
            sealed = {one.bank: last_sequence(one) for one in both.nodes}
        await_health(running, lambda now: now.height > height + 1, GOES_ON_S)
        stood_s = time.monotonic() - since
        for one in both.nodes:
            # Thousands of events wait, so that the size of a batch is what the bank dares to send.
            first = await_growth(one, sealed[one.bank], 1, GOES_ON_S)[0]
            assert first < 500 / 2
            grown = await_growth(one, sealed[one.bank], 3 * first, GOES_ON_S)
            with capsys.disabled():
                print(f"\n{one.bank}, after {stood_s:.0f} s without a block, legs a batch: {grown}")
        both.assert_exactly_once(GOES_ON_S)
