"""`tally network up`, `down`, `status` and `logs`: validators as processes of this machine."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import psutil
import pytest

from app.domain.errors import ChainFault
from deploy.network import operate
from deploy.network.health import look
from deploy.network.layout import HOST, Network
from deploy.network.log_keeper import shorten
from deploy.network.validator_processes import find_log_keeper
from tests.network.running import (
    await_health,
    status,
    tally,
    validator_processes,
)

pytestmark = pytest.mark.slow


def pids(network: Network) -> dict[str, int]:
    return {one.validator.name: one.pid for one in look(network).validators}


def test_up_brings_blocks_and_again_changes_nothing(stopped: Network) -> None:
    outcome = tally("network", "up", "--dir", stopped.folder.root)
    assert outcome.code == 0, outcome.stderr
    shown = status(stopped)
    assert shown["height"] > 0
    assert sorted(one["pid"] for one in shown["validators"]) == sorted(
        validator_processes(stopped.folder.root)
    )
    for one in shown["validators"]:
        assert one["running"] and abs(one["height"] - shown["height"]) <= 1

    before = pids(stopped)
    operate.up(stopped, print)
    assert pids(stopped) == before
    await_health(stopped, lambda health: all(one.peers == 3 for one in health.validators), 30)


def test_only_this_machine_reaches_a_validator(running: Network) -> None:
    for pid in pids(running).values():
        listening = [
            one.laddr
            for one in psutil.Process(pid).net_connections("all")
            if one.status == psutil.CONN_LISTEN
        ]
        assert len(listening) == 3  # RPC, peers, control
        assert {address.ip for address in listening} == {HOST}


def test_validators_outlive_the_command_and_see_nothing_of_it(running: Network) -> None:
    for pid in pids(running).values():
        process = psutil.Process(pid)
        assert not process.environ()
        assert process.terminal() is None


def test_down_leaves_nothing_running(running: Network) -> None:
    outcome = tally("network", "down", "--dir", running.folder.root)
    assert outcome.code == 0 and "4 validators stopped" in outcome.stdout
    assert not validator_processes(running.folder.root)
    assert operate.down(running) == 0
    shown = tally("network", "status", "--dir", running.folder.root)
    assert shown.code == 0 and "tally network up" in shown.stdout


def test_up_starts_only_what_is_dead(running: Network) -> None:
    before = pids(running)
    psutil.Process(before["plzen-1"]).send_signal(signal.SIGKILL)
    await_health(running, lambda health: not health.validators[3].running, 10)
    operate.up(running, print)
    after = pids(running)
    assert after["plzen-1"] not in (0, before["plzen-1"])
    assert {name: pid for name, pid in after.items() if name != "plzen-1"} == {
        name: pid for name, pid in before.items() if name != "plzen-1"
    }


def test_a_port_that_a_stranger_took_is_named_and_nothing_is_started(stopped: Network) -> None:
    taken = stopped.validators[2]
    with socket.create_server((HOST, taken.rpc_port)):
        with pytest.raises(ChainFault, match=f"port {taken.rpc_port} of ostrava-1 is taken"):
            operate.up(stopped, print)
        assert not validator_processes(stopped.folder.root)


def test_logs_shows_the_end_of_one_validators_log(running: Network) -> None:
    outcome = tally("network", "logs", "brno-1", "--dir", running.folder.root, "-n", "7")
    assert outcome.code == 0
    assert len(outcome.stdout.splitlines()) == 7
    outcome = tally("network", "logs", "brno-9", "--dir", running.folder.root)
    assert outcome.code == 2 and "brno-1" in outcome.stderr


def test_logs_are_kept_short_beside_the_validators_and_not_after_them(running: Network) -> None:
    keeper = find_log_keeper(running)
    assert keeper is not None and not keeper.environ()
    operate.up(running, print)
    assert find_log_keeper(running) == keeper
    operate.down(running)
    assert find_log_keeper(running) is None


def test_a_log_that_is_too_long_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"first\n")
        shorten(log, most_bytes=6)
        assert log.read_bytes() == b"first\n"
        writer.write(b"second\n")
        shorten(log, most_bytes=6)
        assert (tmp_path / "node.log.1").read_bytes() == b"first\nsecond\n"
        writer.write(b"third\n")
    assert log.read_bytes() == b"third\n"
    shorten(tmp_path / "gone.log", most_bytes=6)
