"""Validators that die: how many the chain can lose, and how it comes back."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest

from app.chain.rpc import Rpc
from deploy.network import operate
from deploy.network.health import look
from deploy.network.layout import Network
from tests.network.running import await_health, reconcile, tally, write_feed
from tests.network.test_reconcile import counts, facility_file

pytestmark = pytest.mark.slow

ROUND_S = 11
"""A dead validator's turn costs the others a round."""


def kill(network: Network, names: Iterable[str]) -> None:
    health = look(network)
    for one in health.validators:
        if one.validator.name in names:
            psutil.Process(one.pid).send_signal(signal.SIGKILL)
    await_health(
        network,
        lambda now: all(not one.running for one in now.validators if one.validator.name in names),
        10,
    )


def block_hash(url: str, number: int) -> str:
    rpc = Rpc(url)
    try:
        return str(rpc.call("eth_getBlockByNumber", [hex(number), False])["hash"])
    finally:
        rpc.close()


def test_kill_one_validator_and_blocks_and_postings_go_on(running: Network, tmp_path: Path) -> None:
    kill(running, {"plzen-1"})
    height = look(running).height
    await_health(running, lambda health: health.height >= height + 6, 6 * ROUND_S)
    feeds = [
        write_feed(tmp_path / f"{bank}.csv", "KILL-1", [("drawdown", "D1", amount)])
        for bank, amount in (("ceska", "10.00"), ("brno", "8.00"))
    ]
    facility = facility_file(tmp_path, "KILL-1")
    outcome = reconcile(running, facility, feeds[0], {"brno": feeds[1]}, tmp_path / "out")
    assert outcome.code == 0, outcome.stderr
    assert counts(outcome.report()) == {"matched": 1}


def test_kill_two_validators_and_up_brings_the_stalled_chain_back(running: Network) -> None:
    kill(running, {"ostrava-1", "plzen-1"})
    await_health(running, lambda health: health.stalled, 60)
    shown = tally("network", "status", "--dir", running.folder.root)
    assert shown.code == 0
    assert "stalled" in shown.stdout and "tally network up" in shown.stdout
    stalled_at = look(running).height
    outcome = tally("network", "up", "--dir", running.folder.root)
    assert outcome.code == 0, outcome.stderr
    assert "restarting all" in outcome.stderr
    health = look(running)
    assert health.height > stalled_at and all(one.answers for one in health.validators)


def test_wipe_a_validator_and_it_syncs_again(running: Network) -> None:
    wiped = running.validators[1]
    kill(running, {wiped.name})
    for part in ("blockchain", "trie"):
        shutil.rmtree(running.data(wiped) / part)
    operate.up(running, print)
    height = look(running).height
    await_health(running, lambda health: health.validators[1].height >= height, 90)
    hashes = {block_hash(validator.rpc, height) for validator in running.validators}
    assert len(hashes) == 1
