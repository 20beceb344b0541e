"""A steady load on four validators while nodes and validators are killed in turn: nothing is lost,
nothing counts twice, and a bank's node takes no more memory the longer it runs.

`LOAD_SECONDS` is the length (3600 for an hour), `KILL_SEED` repeats a run's kills.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.network.layout import Network
from deploy.network.validator_processes import start_missing
from tests.load import Watch, steady
from tests.network.test_faults import kill
from tests.network.test_kill import GOES_ON_S, banks

SECONDS = int(os.environ.get("LOAD_SECONDS") or 600)
EVENTS_PER_S = 200
KILL_EVERY_S = 60
FLAT_FROM_S = 600
_NODE_DEAD_S, _VALIDATOR_DEAD_S = (0.0, 3.0), (1.0, 15.0)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 900)]


def test_load_with_a_kill_every_minute_loses_nothing_and_memory_stays_flat(
    running: Network, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flat: of the bank's node that is not killed any more after the first third, the median of the
    resident memory in the last twelfth of the time is at most a tenth above that of the ninth
    twelfth. Judged from ten minutes on: before, the page cache of its database fills."""
    seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1_000_000))
    chance = random.Random(seed)
    done: list[str] = []
    with ExitStack() as stack:
        try:
            both = stack.enter_context(
                banks(running, "LOAD", tmp_path, fed=steady(EVENTS_PER_S), hurried=False)
            )
            watch = stack.enter_context(Watch(both.nodes))
            killed, spared = chance.sample(both.nodes, 2)
            started = time.monotonic()
            for number, at_s in enumerate(range(KILL_EVERY_S // 2, SECONDS, KILL_EVERY_S)):
                time.sleep(max(0.0, started + at_s - time.monotonic()))
                if number % 2 == 0:
                    one = killed if at_s > SECONDS / 3 else chance.choice(both.nodes)
                    dead_s = chance.uniform(*_NODE_DEAD_S)
                    done.append(f"{at_s} s: {one.bank}'s node, for {dead_s:.1f} s")
                    one.kill()
                    time.sleep(dead_s)
                    one.start()
                else:
                    name = chance.choice(running.validators).name
                    dead_s = chance.uniform(*_VALIDATOR_DEAD_S)
                    done.append(f"{at_s} s: validator {name}, for {dead_s:.1f} s")
                    kill(running, {name})
                    time.sleep(dead_s)
                    start_missing(built, running)
            time.sleep(max(0.0, started + SECONDS - time.monotonic()))
            twelfth = SECONDS / 12
            both.assert_exactly_once(GOES_ON_S)
            latency = watch.latency(both)
        except BaseException as fault:
            fault.add_note(f"KILL_SEED={seed}; killed:\n" + "\n".join(done))
            raise
    before, after = (
        watch.resident_bytes(spared.bank, started + part * twelfth, started + (part + 1) * twelfth)
        for part in (8, 11)
    )
    with capsys.disabled():
        fed = 2 * latency.pairs / SECONDS
        print(f"\n{SECONDS} s of {fed:.0f} events/s ({EVENTS_PER_S} wanted), seed {seed}; killed:")
        print("\n".join(done))
        print(latency)
        print(f"{spared.bank}'s node: {before / 2**20:.0f} MB, then {after / 2**20:.0f} MB")
        for bank, samples in watch.memory.items():
            shown = samples[:: max(1, len(samples) // 30)]
            print(bank, *(f"{size / 2**20:.0f}" for _, size in shown), "MB")
    assert SECONDS < FLAT_FROM_S or after <= 1.1 * before
