"""Kill -9 at random points while feeds arrive by REST: nodes, the chain, the database server, alone
and together. After every recovery each accepted event is on the chain exactly once."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.processes import free_port
from tests.chains import Chain
from tests.integration.posting import FACILITY, LEAD, PARTNERS, Net
from tests.killing import Killing, configure, killing
from tests.postgres import Cluster, PostgresMissing

VICTIMS = ("lead", "partner", "chain", "database")
TOGETHER = (
    ("lead", "partner"),
    ("lead", "chain"),
    ("lead", "database"),
    ("chain", "database"),
    ("lead", "partner", "chain"),
    VICTIMS,
)
_MOST_ALIVE_S, _MOST_DEAD_S = 1.2, 0.6


@dataclass
class Scene:
    chain: Chain
    cluster: Cluster
    banks: Killing

    def kill(self, victims: tuple[str, ...]) -> None:
        for name in victims:
            if name == "chain":
                self.chain.kill()
            elif name == "database":
                self.cluster.kill()
            else:
                getattr(self.banks, name).kill()

    def revive(self, victims: tuple[str, ...]) -> None:
        # A node that starts needs its database; for the chain it waits.
        if "database" in victims:
            self.cluster.start()
        for name in victims:
            if name in ("lead", "partner"):
                getattr(self.banks, name).start()
        if "chain" in victims:
            self.chain.start()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """The lead's database on a PostgreSQL of this test's own, the partner's an SQLite."""
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(Cluster())
        except PostgresMissing as missing:
            pytest.skip(str(missing))
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE lead")
        chain = Chain("anvil", tmp_path)
        chain.start()
        stack.callback(chain.stop)
        net = Net(tmp_path / "net", chain.url)
        net.close()
        chain.stop()  # the contracts are stored
        chain.start()
        configure(net.folder, LEAD, port=free_port(), database_url=cluster.url("lead"))
        configure(net.folder, PARTNERS[0], port=free_port())
        banks = stack.enter_context(
            killing(
                net.folder,
                LEAD,
                PARTNERS[0],
                FACILITY,
                rpc_url=chain.url,
                scratch=tmp_path,
                chain_forgets=True,
            )
        )
        yield Scene(chain, cluster, banks)


def seed_of_this_run() -> int:
    """`KILL_SEED` repeats a run."""
    return int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1_000_000))


def survive(scene: Scene, kills: int) -> None:
    seed = seed_of_this_run()
    chance = random.Random(seed)
    done: list[str] = []
    try:
        rounds: list[tuple[str, ...]] = []
        while len(rounds) < kills:
            some = [*((one,) for one in VICTIMS), *TOGETHER]
            chance.shuffle(some)
            rounds += some
        for victims in rounds[:kills]:
            scene.banks.feed()
            scene.banks.await_fed(1)
            alive_s, dead_s = chance.uniform(0, _MOST_ALIVE_S), chance.uniform(0, _MOST_DEAD_S)
            time.sleep(alive_s)  # at any point of whatever is going on
            done.append(f"after {alive_s:.2f} s {', '.join(victims)}, for {dead_s:.2f} s")
            scene.kill(victims)
            time.sleep(dead_s)
            scene.revive(victims)
            scene.banks.assert_exactly_once()
    except BaseException as fault:
        fault.add_note(f"KILL_SEED={seed}; killed:\n" + "\n".join(done))
        raise


@pytest.mark.timeout(600)
def test_five_kills_while_feeds_arrive(scene: Scene) -> None:
    survive(scene, 5)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_kills_while_feeds_arrive(scene: Scene) -> None:
    survive(scene, 100)
