"""Each bank's node lets its own chain node vote, until the validator set follows the registry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.config import load_config
from deploy.network import layout, operate
from deploy.network.layout import Network
from tests.e2e.running import ROOT
from tests.integration.posting import await_true
from tests.network.conftest import LEAD, PARTNERS
from tests.network.test_membership import change, kill_at, registry_of, sealing

pytestmark = pytest.mark.slow

FOLLOWS_S = 120


@contextmanager
def nodes(network: Network) -> Iterator[None]:
    """The banks' nodes at work."""
    running = []
    try:
        for bank in (LEAD, *PARTNERS):
            config = network.folder.config(bank)
            assert load_config(config).validator, "its node knows its chain node"
            with config.with_name("node.log").open("ab") as log:
                running.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "app", "node", "--config", str(config)],
                        cwd=ROOT,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def forget_votes(network: Network) -> None:
    """The engine keeps candidates in memory alone."""
    operate.down(network)
    operate.up(network, print)


def test_the_validator_set_follows_the_registry_without_the_command(running: Network) -> None:
    founders = sealing(running)

    def registered() -> set[str]:
        with registry_of(running) as registry:
            return {one.node for one in registry.validators()}

    kill_at("admit", "znojmo", running, lambda: len(registered()) == len(founders) + 1)
    five = layout.read(running.folder.root)
    forget_votes(five)
    assert sealing(five) == founders, "the command was killed before its votes stood in blocks"
    with nodes(running):
        await_true(lambda: sealing(five) == registered(), "five validators", wait_s=FOLLOWS_S)
        assert len(sealing(five)) == len(founders) + 1
    change("admit", "znojmo", running)

    kill_at("evict", "znojmo", five, lambda: registered() == founders)
    forget_votes(five)
    assert len(sealing(five)) == len(founders) + 1
    with nodes(running):
        await_true(lambda: sealing(five) == founders, "four validators", wait_s=FOLLOWS_S)
    said = running.folder.config(LEAD).with_name("node.log").read_text()
    assert "voting on a validator" in said and "the validator set follows the registry" in said
    change("evict", "znojmo", five)
    assert layout.read(running.folder.root) == running
