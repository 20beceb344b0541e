"""What is rendered for containers runs on this machine as it is rendered: proxies here, and Besu
where there is one."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from app.chain.rpc import ClientTls, Rpc
from app.domain.errors import ChainUnreachable
from app.processes import HOST
from deploy import tls
from deploy.besu.render import CONTROL_PORT, P2P_PORT, RPC_PORT
from deploy.compose.folder import Rendered
from deploy.consortium import Member
from deploy.network.contracts import found_on, permissions_on
from deploy.proxy import nginx
from ganache.launcher import ChainProcess
from tests.rendered import Loopback, rendered_for, skip_without_besu

MEMBERS = [Member("webank", "lead"), Member("huarui", "partner"), Member("luoyang", "partner")]
SEATS = [("webank", 1), ("huarui", 1), ("luoyang", 1), ("webank", 2)]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return rendered_for(tmp_path_factory.mktemp("rendered"), MEMBERS, SEATS)


@pytest.fixture
def loopback(rendered: Rendered, tmp_path: Path) -> Iterator[Loopback]:
    found = Loopback(rendered, tmp_path)
    try:
        yield found
    finally:
        found.stop()


def member(rendered: Rendered, name: str, url: str) -> Rpc:
    """The chain as a member's node asks for it."""
    folder = rendered.folder
    made = tls.certificates(folder.authority, folder.certificates(name))
    return Rpc(url, tls=ClientTls(made.ca, made.client, made.client_key))


def proxied(loopback: Loopback, bank: str) -> str:
    """A bank's chain node at its proxy."""
    service = loopback.services[f"{bank}-proxy"]
    rpc_port = next(port for port in service.ports if port >= 18545)
    return f"https://{HOST}:{loopback.ports[service.name, rpc_port]}"


def test_a_besu_runs_with_every_option_that_is_rendered(
    rendered: Rendered, loopback: Loopback
) -> None:
    shared = rendered.folder.root / "besu" / "shared"
    seen: list[int] = []
    for name, service in loopback.services.items():
        if service.kind != "besu":
            continue
        loopback.lay_out(name)
        here, there = (
            loopback.configuration(name),
            tomllib.loads((shared / f"{name}.toml").read_text()),
        )
        assert set(here) - set(there) == {"p2p-interface"} and set(there) <= set(here)
        for option, value in there.items():
            if option.endswith(("-file", "-path")):
                assert Path(here[option]).exists(), option
            elif option.endswith("-port"):
                seen.append(here[option])
            elif option.endswith("-host"):
                assert here[option] == HOST
            else:
                assert here[option] == value, option
        assert "JAVA_OPTS=-Xmx1g" in loopback.command(name)
        places = [f"{HOST}:{loopback.ports[node.name, P2P_PORT]}" for node in rendered.nodes]
        allowed = tomllib.loads(Path(here["permissions-nodes-config-file"]).read_text())
        static = json.loads(Path(here["static-nodes-file"]).read_text())
        for enodes in (allowed["nodes-allowlist"], static):
            assert sorted(one.partition("@")[2] for one in enodes) == sorted(places)
    assert len(seen) == len(set(seen)) == 4 * len(SEATS)


def test_a_rendered_proxy_lets_members_through_and_nobody_else(
    rendered: Rendered, loopback: Loopback, shared_anvil: ChainProcess
) -> None:
    """A development chain stands where its Besu would be."""
    if nginx.find() is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    loopback.stand_ins["huarui-1", RPC_PORT] = shared_anvil.url.removeprefix("http://")
    loopback.start("huarui-proxy")
    url = proxied(loopback, "huarui")
    for name in ("webank", "huarui", "luoyang"):
        rpc = member(rendered, name, url)
        assert int(rpc.call("eth_chainId", []), 16) == shared_anvil.chain_id
        rpc.close()
    ca = str(rendered.folder.authority / "ca.pem")
    assert "No required SSL certificate" in requests.post(url, json={}, verify=ca, timeout=9).text

    admitted = rendered.folder.root / "proxies" / nginx.ADMITTED
    everybody = admitted.read_text()
    try:
        admitted.write_text(nginx.admitted(["webank", "huarui"]))
        loopback.stop("huarui-proxy")
        loopback.start("huarui-proxy")
        gone = member(rendered, "luoyang", url)
        with pytest.raises(ChainUnreachable, match="403"):
            gone.call("eth_chainId", [])
        gone.close()
    finally:
        admitted.write_text(everybody)


@pytest.mark.slow
def test_four_besus_are_founded_go_on_without_one_and_read_their_permissions_again(
    rendered: Rendered, loopback: Loopback
) -> None:
    skip_without_besu()
    loopback.start_all()
    url = proxied(loopback, "webank")
    rpc = member(rendered, "webank", url)
    await_blocks(rpc, 2)
    found_on(rendered.folder.root, url, print)
    loopback.stop("luoyang-1")
    await_blocks(rpc, 4)
    loopback.start("luoyang-1")
    assert permissions_on(rendered.folder.root, url).nodes == len(SEATS)
    for node in rendered.nodes:
        loopback.lay_out(node.name)
        assert control(loopback, node.name, "perm_reloadPermissionsFromFile") == "Success"
        assert control(loopback, node.name, "qbft_getPendingVotes") == {}
    await_blocks(rpc, 2)
    rpc.close()


def await_blocks(rpc: Rpc, count: int) -> None:
    wanted = height(rpc) + count
    deadline = time.monotonic() + 180
    while height(rpc) < wanted:
        assert time.monotonic() < deadline, "no blocks come"
        time.sleep(0.2)


def height(rpc: Rpc) -> int:
    try:
        return int(rpc.call("eth_blockNumber", []), 16)
    except ChainUnreachable:
        return 0


def control(loopback: Loopback, name: str, method: str) -> Any:
    with connect(f"ws://{HOST}:{loopback.ports[name, CONTROL_PORT]}") as besu:
        besu.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}))
        return json.loads(besu.recv(timeout=20))["result"]
