"""`tally demo --network`: every member's node on the validators' chain."""

from __future__ import annotations

import re
import socket

import psutil
import pytest

from app.config import load_config
from deploy.network.layout import HOST, Network
from tests.network.conftest import LEAD, PARTNERS
from tests.network.running import tally

pytestmark = pytest.mark.slow


def nodes_of(network: Network) -> list[str]:
    """Command lines of members' nodes that run."""
    lines = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    return [line for line in lines if f"node --config {network.folder.root}/banks/" in line]


def test_its_members_reconcile_the_sample_and_no_node_outlives_it(running: Network) -> None:
    port = load_config(running.folder.config(PARTNERS[0])).api.port
    with socket.create_server((HOST, port)):
        refused = tally("demo", "--network", running.folder.root, "--once")
    assert refused.code == 2 and f"nodes of {PARTNERS[0]} are taken" in refused.stderr

    shown = tally("demo", "--network", running.folder.root, "--once")
    assert shown.code == 0, shown.stderr + shown.stdout
    counts = re.search(r"matched +([\d,]+) +([\d,]+) +([\d,]+)", shown.stdout)
    assert counts is not None, shown.stdout
    assert all(int(count.replace(",", "")) > 2_000 for count in counts.groups())
    assert len(re.findall(r" CNY +0\.00 ", shown.stdout)) == len(PARTNERS), "proofs are 0"
    assert f"edge chain {running.chain_id}" in shown.stdout
    for name in (LEAD, *PARTNERS, "cnb"):
        url = f"http://127.0.0.1:{load_config(running.folder.config(name)).api.port}"
        assert re.search(rf"{name} +{url}", shown.stdout)
    assert nodes_of(running) == []
