"""Kill -9, wipes and partitions on four validators while feeds arrive: nothing is lost, nothing
counts twice, and what stands still says so and goes on by itself."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.intake.facility_file import load_facility
from app.local.consortium import network as consortium_of
from app.processes import free_port
from deploy.consortium import write_config
from deploy.network import operate
from deploy.network.health import look
from deploy.network.layout import Network
from deploy.network.validator_processes import start_missing
from tests.killing import ROUNDS, Feed, KilledNode, Killing, configure, killing
from tests.network.running import await_health
from tests.network.test_faults import kill
from tests.network.test_reconcile import facility_file
from tests.proxy import Proxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

LEAD, PARTNER = "ceska", "brno"
STALL_S = 10
CUT_OFF_S = 60
GOES_ON_S = 300.0
KILLS = 12


@contextmanager
def banks(
    network: Network,
    facility: str,
    tmp_path: Path,
    lead_rpc: str = "",
    fed: Feed = ROUNDS,
    *,
    hurried: bool = True,
) -> Iterator[Killing]:
    """Both banks' nodes, with the databases that have posted on this network before.

    `lead_rpc`: the lead's only endpoint.
    """
    with consortium_of(network.folder.root) as consortium:
        consortium.agree(load_facility(facility_file(tmp_path, facility)))
    kept = {name: network.folder.config(name).read_text() for name in (LEAD, PARTNER)}
    try:
        if lead_rpc:
            write_config(network.folder, LEAD, rpc=lead_rpc, port=0)
        for name in (LEAD, PARTNER):
            configure(network.folder, name, port=free_port())
        with killing(
            network.folder,
            LEAD,
            PARTNER,
            facility,
            rpc_url=network.validators[2].rpc,
            scratch=tmp_path,
            currency="CZK",
            fed=fed,
            hurried=hurried,
        ) as found:
            found.feed()
            found.await_fed(5)
            yield found
    finally:
        for name, text in kept.items():
            network.folder.config(name).write_text(text)


def await_health_of(
    node: KilledNode, wanted: Callable[[dict[str, Any]], bool], within_s: float
) -> None:
    deadline = time.monotonic() + within_s
    while not wanted(health := node.health()):
        assert time.monotonic() < deadline, (health, node.said())
        time.sleep(0.2)


def endpoint_states(health: dict[str, Any]) -> list[str]:
    return [one["state"] for one in health["chain"]["endpoints"]] if health else []


def test_kill_the_leads_own_validator_and_its_node_goes_on(
    running: Network, built: Path, tmp_path: Path
) -> None:
    with banks(running, "KILL-A", tmp_path) as both:
        kill(running, {"ceska-1"})
        await_health_of(both.lead, lambda now: endpoint_states(now)[:1] == ["unreachable"], 30)
        both.await_fed(10)
        both.assert_exactly_once(GOES_ON_S)
        both.feed()
        start_missing(built, running)
        await_health_of(both.lead, lambda now: endpoint_states(now) == ["good"] * 4, 90)
        both.assert_exactly_once(GOES_ON_S)


def test_kill_two_validators_and_the_stalled_chain_says_so_and_resumes_by_itself(
    running: Network, built: Path, tmp_path: Path
) -> None:
    with banks(running, "KILL-B", tmp_path) as both:
        kill(running, {"ostrava-1", "plzen-1"})
        both.await_fed(5)  # what is accepted waits here
        await_health_of(both.lead, lambda now: now.get("status") == "stalled", 60)
        stalled_at = look(running).height
        time.sleep(STALL_S)
        assert look(running).height == stalled_at
        before = look(running)
        start_missing(built, running)
        await_health(running, lambda now: now.height > stalled_at + 2, GOES_ON_S)
        # Nobody was restarted but the two that were dead.
        now = look(running)
        assert [one.pid for one in now.validators[:2]] == [one.pid for one in before.validators[:2]]
        await_health_of(both.lead, lambda now: now.get("status") in ("live", "behind"), 90)
        both.assert_exactly_once(GOES_ON_S)


def test_wipe_the_leads_own_validator_and_nothing_is_lost(
    running: Network, built: Path, tmp_path: Path
) -> None:
    with banks(running, "KILL-C", tmp_path) as both:
        kill(running, {"ceska-1"})
        for part in ("blockchain", "trie"):
            shutil.rmtree(running.data(running.validators[0]) / part)
        start_missing(built, running)
        both.await_fed(10)
        both.assert_exactly_once(GOES_ON_S)
        await_health_of(both.lead, lambda now: endpoint_states(now) == ["good"] * 4, 120)


def test_partition_of_a_bank_for_a_minute(running: Network, tmp_path: Path) -> None:
    with (
        Proxy(running.validators[0].rpc) as line,
        banks(running, "KILL-D", tmp_path, lead_rpc=line.url) as both,
    ):
        line.refuse = True
        await_health_of(both.lead, lambda now: now.get("status") == "unreachable", 60)
        until = time.monotonic() + CUT_OFF_S
        both.await_fed(20)  # both banks go on accepting
        while time.monotonic() < until:
            time.sleep(1)
        line.whole()
        await_health_of(both.lead, lambda now: now.get("status") in ("live", "behind"), 60)
        both.assert_exactly_once(GOES_ON_S)


def test_kill_validators_and_nodes_at_random_while_feeds_arrive(
    running: Network, built: Path, tmp_path: Path
) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1_000_000))
    chance = random.Random(seed)
    names = [one.name for one in running.validators]
    done: list[str] = []
    try:
        with ExitStack() as stack:
            both = stack.enter_context(banks(running, "KILL-E", tmp_path))
            for _ in range(KILLS):
                dead = set(chance.sample(names, chance.choice((0, 1, 1, 2))))
                nodes = [one for one in both.nodes if not dead or chance.random() < 0.5]
                alive_s, dead_s = chance.uniform(0, 2), chance.uniform(0, 3)
                done.append(f"after {alive_s:.2f} s {sorted(dead)} {[one.bank for one in nodes]}")
                both.feed()
                both.await_fed(1)
                time.sleep(alive_s)
                for one in nodes:
                    one.kill()
                if dead:
                    kill(running, dead)
                time.sleep(dead_s)
                for one in nodes:
                    one.start()
                if dead:
                    # Restarted as a whole where it has stalled, as `tally network up` does.
                    operate.up(running, print)
                both.assert_exactly_once(GOES_ON_S)
    except BaseException as fault:
        fault.add_note(f"KILL_SEED={seed}; killed:\n" + "\n".join(done))
        raise
