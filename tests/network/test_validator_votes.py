"""Each bank's node lets its own chain node vote, until the validator set follows the registry."""

from __future__ import annotations

import pytest

from deploy.network import layout, operate
from deploy.network.layout import Network
from tests.integration.posting import await_true
from tests.network.conftest import LEAD, PARTNERS
from tests.network.running import nodes
from tests.network.test_membership import change, kill_at, registry_of, sealing

pytestmark = pytest.mark.slow

FOLLOWS_S = 120


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
    with nodes(running.folder, (LEAD, *PARTNERS)):
        await_true(lambda: sealing(five) == registered(), "five validators", wait_s=FOLLOWS_S)
        assert len(sealing(five)) == len(founders) + 1
    change("admit", "znojmo", running)

    kill_at("evict", "znojmo", five, lambda: registered() == founders)
    forget_votes(five)
    assert len(sealing(five)) == len(founders) + 1
    with nodes(running.folder, (LEAD, *PARTNERS)):
        await_true(lambda: sealing(five) == founders, "four validators", wait_s=FOLLOWS_S)
    said = running.folder.config(LEAD).with_name("node.log").read_text()
    assert "voting on a validator" in said and "the validator set follows the registry" in said
    change("evict", "znojmo", five)
    assert layout.read(running.folder.root) == running
