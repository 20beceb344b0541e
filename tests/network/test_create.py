"""`tally network create`: what it refuses, and what it leaves behind."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from app.contracts.errors import ContractReverted
from deploy.consortium import Member
from deploy.network import layout
from deploy.network.create import create_network
from deploy.network.layout import Network
from tests.e2e.running import tally_in_process
from tests.network.conftest import made
from tests.network.running import (
    manifest,
    status,
    tally,
    validator_processes,
)

FOUNDERS = ("--lead", "ceska", "--partner", "brno")


def no_engine(tmp_path: Path, go: str | None) -> dict[str, str]:
    """An environment with an empty cache, and with `go` as the Go tool, or with none."""
    tools = tmp_path / "bin"
    tools.mkdir()
    if go is not None:
        (tools / "go").write_text(f"#!/bin/sh\n{go}\n")
        (tools / "go").chmod(0o755)
    return {"PATH": str(tools), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_without_go_it_says_so_and_makes_nothing(tmp_path: Path) -> None:
    env = no_engine(tmp_path, go=None)
    outcome = tally("network", "create", "--dir", tmp_path / "net", *FOUNDERS, env=env)
    assert outcome.code == 3
    assert "Go is not on the PATH" in outcome.stderr and "Install Go" in outcome.stderr
    assert not (tmp_path / "net").exists()


def test_a_build_that_fails_shows_what_go_said(tmp_path: Path) -> None:
    env = no_engine(tmp_path, go='echo "go: downloading x" >&2; echo "no such module" >&2; exit 1')
    outcome = tally("network", "create", "--dir", tmp_path / "net", *FOUNDERS, env=env)
    assert outcome.code == 3
    assert "no such module" in outcome.stderr and "downloading" not in outcome.stderr
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--lead", "ceska", "--partner", "ceska"), "given twice"),
        (("--lead", "ceska", "--partner", ""), "no name"),
        (("--lead", "ceska"), "--partner"),
        ((*FOUNDERS, "--validators", "0"), "--validators"),
    ],
)
def test_unusable_arguments(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    outcome = tally_in_process(["network", "create", "--dir", tmp_path / "net", *options])
    assert outcome.code == 2
    assert said in outcome.stderr
    assert not (tmp_path / "net").exists()


def test_a_folder_without_a_network_is_refused(tmp_path: Path) -> None:
    outcome = tally_in_process(["network", "up", "--dir", tmp_path])
    assert outcome.code == 2
    assert "holds no network" in outcome.stderr


def test_it_leaves_a_whole_network_stopped(stopped: Network) -> None:
    root = stopped.folder.root
    assert [one.name for one in stopped.validators] == [
        "ceska-1", "brno-1", "ostrava-1", "plzen-1",
    ]  # fmt: skip
    shown = status(stopped)
    assert set(shown) == {"chain_id", "height", "validators"}
    assert shown["chain_id"] == stopped.chain_id and shown["height"] == 0
    for one, validator in zip(shown["validators"], stopped.validators, strict=True):
        assert one == {
            "name": validator.name,
            "address": validator.address,
            "pid": 0,
            "running": False,
            "height": 0,
            "peers": 0,
            "rpc": validator.rpc,
        }
    assert manifest(stopped)["engine"] == "edge"
    assert manifest(stopped)["chain_id"] == stopped.chain_id
    configs = {
        name: tomllib.loads((root / "banks" / name / "bank.toml").read_text())
        for name in ("ceska", "brno", "ostrava", "plzen", "cnb")
    }
    # Each bank has a validator of its own, and the others' to fall back on; the auditor reads at
    # the lead's.
    own = {one.bank: one.endpoint for one in stopped.validators}
    first = {name: config["rpc"][0] for name, config in configs.items()}
    assert first == own | {"cnb": own["ceska"]}
    assert all(set(config["rpc"]) == set(own.values()) for config in configs.values())
    ports = [config["api"]["port"] for config in configs.values()]
    assert len(set(ports)) == len(ports) and all(ports)
    for validator in stopped.validators:
        assert stat.S_IMODE(os.stat(stopped.data(validator)).st_mode) == 0o700  # noqa: PTH116
    assert not validator_processes(root)


def test_a_network_that_is_there_stays_as_it_is(stopped: Network) -> None:
    before = manifest(stopped)
    outcome = tally("network", "create", "--dir", stopped.folder.root, *FOUNDERS)
    assert outcome.code == 2
    assert "holds a network already" in outcome.stderr
    assert manifest(stopped) == before
    assert layout.read(stopped.folder.root) == stopped


def test_reconciling_on_a_stopped_network_names_the_remedy(
    stopped: Network, tmp_path: Path
) -> None:
    facility = tmp_path / "facility.toml"
    facility.write_text(
        'id = "F"\nlead = "ceska"\ncurrency = "CZK"\ntime_zone = "UTC"\ncut_off = "23:59:59"\n'
        '[rules]\namount_tolerance = "0.00"\ndate_window_days = 0\nmatch_deadline_hours = 24\n'
        '[[partners]]\nname = "brno"\nlow_balance = "0.00"\n'
        "share_bps = { principal = 8000, interest = 8000, fee = 8000 }\n"
    )
    feed = tmp_path / "feed.csv"
    feed.write_text("event_id,facility,event_ref,kind,amount,currency,value_date,booked_at\n")
    outcome = tally(
        "reconcile", "--network", stopped.folder.root, "--facility", facility, "--lead", feed
    )
    assert outcome.code == 3
    assert f"tally network up --dir {stopped.folder.root}" in outcome.stderr


@pytest.mark.slow
def test_two_networks_live_side_by_side(running: Network, tmp_path: Path) -> None:
    """The second has one validator only, and bank names that are no file names."""
    before = status(running)
    root = tmp_path / "other net"
    with made(root, "--lead", "Bank of 上海", "--partner", "../b", "--validators", "1") as other:
        outcome = tally("network", "up", "--dir", root)
        assert outcome.code == 0, outcome.stderr
        assert other.chain_id != running.chain_id
        shown = status(other)["validators"]
        assert [one["name"] for one in shown] == ["Bank of 上海-1"]
        assert shown[0]["running"] and shown[0]["height"] > 0
        assert not (root.parent / "b").exists()

        outcome = tally("network", "down", "--dir", root)
        assert outcome.code == 0 and "1 validators stopped" in outcome.stdout
        assert not validator_processes(root)
    after = status(running)
    assert [one["pid"] for one in after["validators"]] == [
        one["pid"] for one in before["validators"]
    ]
    assert after["height"] > before["height"]


def test_fewer_than_four_validators_bring_a_warning(built: Path, tmp_path: Path) -> None:
    (tmp_path / "chain").mkdir()  # refused, but not before the warning
    outcome = tally("network", "create", "--dir", tmp_path, *FOUNDERS, "--validators", "3")
    assert outcome.code == 2
    assert "warning" in outcome.stderr and "4 go on when one dies" in outcome.stderr


def test_what_create_could_not_finish_it_removes(built: Path, tmp_path: Path) -> None:
    root = tmp_path / "net"
    # The registry refuses the second one, after the chain came up.
    twins = [Member("ceska", "lead"), Member("ceska", "partner")]
    with pytest.raises(ContractReverted):
        create_network(root, twins, 1, print)
    assert not validator_processes(root)
    assert not list(root.iterdir())
