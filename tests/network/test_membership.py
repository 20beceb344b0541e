"""`tally network admit` and `evict`: a bank and its validator come, take part, and go."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from web3 import Web3

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.chain.validators import validator_set
from app.config import load_config
from app.contracts.consortium_registry import ConsortiumRegistry, RegisteredValidator
from app.contracts.proposals import change_role
from app.domain.errors import ChainUnreachable, UsageFault
from app.keys.keystore import load_account
from app.node.bank import client_tls
from deploy.network import layout, operate
from deploy.network.admit import admit
from deploy.network.evict import evict
from deploy.network.health import look
from deploy.network.layout import Network
from deploy.votes import Ballot
from tests.e2e.running import ROOT
from tests.integration.posting import await_true
from tests.network.conftest import LEAD, PARTNERS, made
from tests.network.running import (
    await_health,
    reconcile,
    status,
    tally,
    validator_processes,
    write_feed,
)
from tests.network.test_reconcile import facility_file

pytestmark = pytest.mark.slow

POINT_S = 120


@contextmanager
def registry_of(network: Network) -> Iterator[ConsortiumRegistry]:
    rpc = Rpc(network.validators[0].rpc)
    try:
        addresses = Manifest.read(network.folder.manifest).addresses
        yield ConsortiumRegistry(rpc, addresses["ConsortiumRegistry"])
    finally:
        rpc.close()


def sealing(network: Network) -> set[str]:
    """Who may seal the newest block."""
    rpc = Rpc(network.validators[0].rpc)
    try:
        return set(validator_set(rpc))
    finally:
        rpc.close()


def await_sealing(network: Network) -> None:
    """Until its validators, and no others, may seal the newest block. The command ends when they
    may seal the next one."""
    expected = {one.address for one in network.validators}
    await_true(lambda: sealing(network) == expected, f"{len(expected)} validators seal")


def ask(network: Network, bank: str, url: str) -> int:
    """The newest block, by a bank's certificate."""
    rpc = Rpc(url, tls=client_tls(load_config(network.folder.config(bank))))
    try:
        return int(rpc.call("eth_blockNumber", []), 16)
    finally:
        rpc.close()


def change(verb: str, name: str, network: Network, *options: str) -> str:
    """Run the command to its good end; what it said."""
    outcome = tally("network", verb, name, "--dir", network.folder.root, *options)
    assert outcome.code == 0, outcome.stderr
    return outcome.stderr


def refused(verb: str, name: str, network: Network, *options: str, code: int = 2) -> str:
    outcome = tally("network", verb, name, "--dir", network.folder.root, *options)
    assert outcome.code == code, outcome.stderr
    return outcome.stderr


def test_a_bank_is_admitted_takes_part_and_is_evicted(running: Network, tmp_path: Path) -> None:
    root = running.folder.root
    change("admit", "zlin", running)
    five = layout.read(root)
    shown = status(five)["validators"]
    assert [one["name"] for one in shown] == [
        *(one.name for one in running.validators),
        "zlin-1",
    ]
    await_sealing(five)
    with registry_of(five) as registry:
        assert {one.node for one in registry.validators()} == sealing(five)
    height = look(five).height
    await_health(five, lambda now: all(one.height > height + 5 for one in now.validators), 60)
    with pytest.raises(UsageFault, match="a member already"):
        admit(root, "zlin", None, print)

    facility = facility_file(tmp_path, "WITH-ZLIN")
    facility.write_text(facility.read_text().replace("brno", "zlin"))
    feeds = [
        write_feed(tmp_path / f"{bank}.csv", "WITH-ZLIN", [("drawdown", "D1", amount)])
        for bank, amount in ((LEAD, "10.00"), ("zlin", "8.00"))
    ]
    outcome = reconcile(five, facility, feeds[0], {"zlin": feeds[1]}, tmp_path / "out")
    assert outcome.code == 0, outcome.stderr
    assert outcome.report()["pairs"]["zlin"]["matched"] == 1

    endpoint = five.validators[0].endpoint
    assert ask(five, "zlin", endpoint) > 0
    change("evict", "zlin", five)
    assert layout.read(root) == running
    await_sealing(running)
    assert len(validator_processes(root)) == len(running.validators) == 4
    with registry_of(running) as registry:
        assert {one.node for one in registry.validators()} == sealing(running)
    if running.api_tls_ports:
        with pytest.raises(ChainUnreachable, match="403"):
            ask(running, "zlin", endpoint)
        assert ask(running, LEAD, endpoint) > 0
    gone = reconcile(running, facility, feeds[0], {"zlin": feeds[1]}, tmp_path / "gone")
    assert gone.code == 2 and "zlin" in gone.stderr
    with pytest.raises(UsageFault, match="evicted already"):
        evict(root, "zlin", print)
    with pytest.raises(UsageFault, match="for ever"):
        admit(root, "zlin", None, print)
    again = reconcile(
        running,
        facility_file(tmp_path, "AFTER"),
        write_feed(tmp_path / "lead.csv", "AFTER", [("drawdown", "D2", "10.00")]),
        {"brno": write_feed(tmp_path / "brno.csv", "AFTER", [("drawdown", "D2", "8.00")])},
        tmp_path / "after",
    )
    assert again.code == 0, again.stderr


def test_killed_at_many_points_they_go_on_and_ask_for_nothing_twice(running: Network) -> None:
    with registry_of(running) as registry:
        before = registry.proposal_count()
        for point in (
            "making the keys",
            "started kolin-1",
            lambda: on_its_way(running),
            f"{PARTNERS[0]} votes in favour",
            "is member",
            "proposes: make kolin-1",
            "votes for the validator",
        ):
            kill_at("admit", "kolin", running, point)
        change("admit", "kolin", running)
        assert registry.proposal_count() == before + 2  # the bank, and its validator
        five = layout.read(running.folder.root)
        assert [one.name for one in five.validators if one.bank == "kolin"] == ["kolin-1"]
        assert len(five.validators) == 5
        await_sealing(five)

        for point in ("proposes: evict", "member no more", "votes against the validator"):
            kill_at("evict", "kolin", five, point)
        change("evict", "kolin", five)
        assert registry.proposal_count() == before + 3
    assert layout.read(running.folder.root) == running
    await_sealing(running)


def test_an_admission_that_is_not_through_can_be_given_up(running: Network) -> None:
    kill_at("admit", "telc", running, "has all")
    assert len(layout.read(running.folder.root).validators) == 5
    change("evict", "telc", running)
    assert layout.read(running.folder.root) == running
    assert len(validator_processes(running.folder.root)) == len(running.validators)
    with pytest.raises(UsageFault, match="no member 'telc'"):
        evict(running.folder.root, "telc", print)


def test_an_auditor_gets_no_validator(running: Network) -> None:
    change("admit", "kpmg", running, "--role", "auditor")
    assert len(layout.read(running.folder.root).validators) == 4
    if running.api_tls_ports:
        assert ask(running, "kpmg", running.validators[0].endpoint) > 0
    change("evict", "kpmg", running)
    assert layout.read(running.folder.root) == running


def test_who_cannot_be_admitted_or_evicted(running: Network) -> None:
    root = running.folder.root
    assert "no name" in refused("admit", "", running)
    with pytest.raises(UsageFault, match="a member already"):
        admit(root, LEAD, None, print)
    with pytest.raises(UsageFault, match="no member 'nobody'"):
        evict(root, "nobody", print)
    with FileLock(root / "chain" / "membership.lock"), pytest.raises(UsageFault, match="at work"):
        admit(root, "zlin", None, print)
    assert layout.read(running.folder.root) == running


def test_the_last_lead_goes_and_one_of_those_who_remain_leads(built: Path, tmp_path: Path) -> None:
    """By what the validators sealed: what an endpoint says of the eviction moves nobody's vote."""
    root = tmp_path / "net"
    banks = ("--lead", "ceska", "--partner", "brno", "--partner", "plzen", "--validators", "3")
    with made(root, *banks) as three:
        operate.up(three, print)
        with registry_of(three) as registry, pytest.MonkeyPatch.context() as lies:
            (named,) = (one for one in three.validators if one.bank == "brno")
            stolen = Web3.to_checksum_address(named.address)
            lie = RegisteredValidator(stolen, registry.member_named("ceska"), named.peer)
            lies.setattr(ConsortiumRegistry, "validators", lambda _: [lie])
            lies.setattr(ConsortiumRegistry, "state_of", lambda *_: "evicted")
            evict(root, "ceska", print)
        left = layout.read(root)
        await_sealing(left)
        assert {one.bank for one in left.validators} == {"brno", "plzen"}
        with registry_of(left) as registry:
            assert registry.state_of(registry.member_named("ceska")) == "evicted"
            brno = registry.member_named("brno")
            rpc = Rpc(left.validators[0].rpc)
            ballot = Ballot(rpc, registry, left.folder)
            ballot.carry([change_role(brno, "lead")], "one of us", print)
            rpc.close()
            assert registry.role(brno) == "lead"


def test_two_banks_and_one_key_and_a_chain_that_is_down(built: Path, tmp_path: Path) -> None:
    root = tmp_path / "net"
    with made(root, "--lead", "ceska", "--partner", "brno", "--validators", "1") as two:
        assert "tally network up" in refused("admit", "zlin", two, code=3)
        operate.up(two, print)
        with pytest.raises(UsageFault, match="neither can evict the other"):
            evict(root, "brno", print)
        keys = two.folder.keys("brno")
        keys.rename(keys.with_name("elsewhere"))
        with pytest.raises(UsageFault, match=r"2 of 2 banks .* the keys of 1 lie here"):
            admit(root, "zlin", None, print)
        assert not two.folder.config("zlin").exists()


def on_its_way(network: Network) -> bool:
    """Whether a transaction of the lead's approver waits for a block."""
    approver = load_account(network.folder.keys(LEAD), "approver", development=True).address
    rpc = Rpc(network.validators[0].rpc)
    try:
        mined, sent = rpc.batch(
            [("eth_getTransactionCount", [approver, block]) for block in ("latest", "pending")]
        )
        return int(sent, 16) > int(mined, 16)
    finally:
        rpc.close()


def kill_at(verb: str, name: str, network: Network, point: str | Callable[[], bool]) -> None:
    """Run the command and kill -9 it when it says `point`, or when that comes true."""
    command = [sys.executable, "-m", "app", "network", verb, name, "--dir"]
    process = subprocess.Popen(
        [*command, str(network.folder.root)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            if callable(point):
                deadline = time.monotonic() + POINT_S
                while not point():
                    assert process.poll() is None and time.monotonic() < deadline
                    time.sleep(0.02)
            else:
                said = []
                for line in process.stderr:
                    said.append(line)
                    if point in line:
                        break
                else:
                    raise AssertionError(f"never said {point!r}: {said}")
        finally:
            process.kill()
