"""Mutual TLS between a bank's node and its chain RPC, through the proxy that networks use."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import requests

from app.chain.rpc import ClientTls, Rpc
from app.config import load_config
from app.domain.errors import ChainFault, ChainUnreachable, ConfigFault
from app.node.bank import open_bank
from app.processes import free_port
from deploy import tls
from deploy.consortium import ConsortiumFolder, Member, create, write_config
from deploy.found import found
from deploy.proxy import nginx
from deploy.proxy.nginx import ProxyServer
from deploy.tls import Certificates
from ganache.launcher import ChainProcess

HOSTS = ("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Certificates:
    tls.make_authority(folder / "ca")
    return tls.issue(folder / "ca", "webank", folder / "webank", HOSTS)


@pytest.fixture(scope="module")
def strangers(folder: Path) -> Certificates:
    """Of another consortium's authority."""
    tls.make_authority(folder / "other-ca")
    return tls.issue(folder / "other-ca", "webank", folder / "stranger", HOSTS)


def write_proxy(place: Path, server: ProxyServer) -> None:
    (place / nginx.ADMITTED).write_text(nginx.admitted(["webank"]))
    (place / "nginx.conf").write_text(nginx.configuration([server], place))


@pytest.fixture(scope="module")
def proxy(folder: Path, ours: Certificates, shared_anvil: ChainProcess) -> Iterator[str]:
    """The URL of a proxy before anvil."""
    if nginx.find() is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    port = free_port()
    upstream = shared_anvil.url.removeprefix("http://")
    server = ProxyServer(
        "RPC",
        f"127.0.0.1:{port}",
        upstream,
        ours.server,
        ours.server_key,
        ours.ca,
    )
    place = folder / "a proxy"
    place.mkdir()
    write_proxy(place, server)
    nginx.start(place)
    yield f"https://127.0.0.1:{port}"
    nginx.stop(place)
    assert not nginx.running_processes(place)


def client(made: Certificates) -> ClientTls:
    return ClientTls(made.ca, made.client, made.client_key)


def block_number(url: str, shown: ClientTls) -> int:
    rpc = Rpc(url, tls=shown)
    try:
        return int(rpc.call("eth_blockNumber", []), 16)
    finally:
        rpc.close()


def test_a_member_gets_through(proxy: str, ours: Certificates) -> None:
    assert block_number(proxy, client(ours)) >= 0
    rpc = Rpc(proxy, tls=client(ours))
    big = rpc.batch([("eth_call", [{"to": "0x" + "1" * 40, "data": "0x" + "ab" * 1_000_000}])] * 3)
    assert big == ["0x"] * 3
    rpc.close()


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (lambda ours, strangers: replace(client(ours), certificate=None, key=None), "HTTP 400"),
        (lambda ours, strangers: replace(client(strangers), ca=ours.ca), "HTTP 400"),
        # A server's certificate opens nothing.
        (lambda ours, strangers: ClientTls(ours.ca, ours.server, ours.server_key), "HTTP 400"),
        (lambda ours, strangers: client(strangers), "TLS: .*rpc_ca"),
        (lambda ours, strangers: ClientTls(None, ours.client, ours.client_key), "TLS: .*rpc_ca"),
    ],
    ids=["no certificate", "a stranger's", "a server's", "another authority", "the system's"],
)
def test_nobody_else_does(
    proxy: str,
    ours: Certificates,
    strangers: Certificates,
    shown: Callable[[Certificates, Certificates], ClientTls],
    said: str,
) -> None:
    with pytest.raises(ChainUnreachable, match=said):
        block_number(proxy, shown(ours, strangers))


def test_a_certificate_of_no_present_member_is_refused(
    proxy: str, folder: Path, ours: Certificates, tmp_path: Path
) -> None:
    """Of the right authority, and of names that are like a member's."""
    for name in ("huarui", "WEBANK", "webank-2", "a.webank"):
        made = tls.issue(folder / "ca", name, tmp_path / name, HOSTS)
        with pytest.raises(ChainUnreachable, match="HTTP 403"):
            block_number(proxy, client(made))


def test_plain_http_gets_nothing(proxy: str) -> None:
    answer = requests.post(proxy.replace("https", "http"), data=b"{}", timeout=5)
    assert answer.status_code == 400 and "plain HTTP" in answer.text


def test_a_variable_of_the_environment_changes_nothing(
    proxy: str, ours: Certificates, strangers: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(strangers.ca))
    assert block_number(proxy, client(ours)) >= 0
    with pytest.raises(ChainUnreachable):
        block_number(proxy, client(strangers))


def test_a_banks_node_works_through_it(
    proxy: str, ours: Certificates, shared_anvil: ChainProcess, tmp_path: Path
) -> None:

    made = ConsortiumFolder(tmp_path)
    create(made, [Member("webank", "lead"), Member("huarui", "partner")])
    plain = Rpc(shared_anvil.url)
    found(plain, "anvil", made, print)
    plain.close()
    write_config(made, "webank", rpc=[proxy, proxy + "/"], port=0, certificates=ours)
    bank = open_bank(load_config(made.config("webank")))
    try:
        assert bank.follower.index() > 0
        assert bank.follower.role() == "lead"
    finally:
        bank.close()


def test_a_certificate_that_is_missing_is_named(tmp_path: Path, ours: Certificates) -> None:
    made = ConsortiumFolder(tmp_path)
    gone = replace(ours, client=tmp_path / "gone.pem")
    write_config(made, "webank", rpc="https://127.0.0.1:1", port=0, certificates=gone)
    with pytest.raises(ConfigFault, match=r"rpc_cert: there is no file .*gone\.pem"):
        load_config(made.config("webank"))
    config = made.config("webank")
    config.write_text(config.read_text().replace("rpc_cert", "# "))
    with pytest.raises(ConfigFault, match="rpc_cert and rpc_key go together"):
        load_config(config)


def test_keys_are_their_owners_alone(folder: Path, ours: Certificates) -> None:
    for key in (ours.server_key, ours.client_key, folder / "ca" / "ca.key"):
        assert stat.S_IMODE(os.stat(key).st_mode) == 0o600  # noqa: PTH116
    assert stat.S_IMODE(os.stat(folder / "ca").st_mode) == 0o700  # noqa: PTH116


def test_new_certificates_open_beside_the_old_ones(
    proxy: str, folder: Path, ours: Certificates, tmp_path: Path
) -> None:
    tls.make_authority(folder / "ca")  # it is there: nothing happens
    renewed = tls.issue(folder / "ca", "webank", tmp_path / "renewed", HOSTS)
    assert renewed.client.read_bytes() != ours.client.read_bytes()
    assert block_number(proxy, client(renewed)) >= 0
    assert block_number(proxy, client(ours)) >= 0


def test_a_proxy_that_was_killed_starts_again(
    ours: Certificates, shared_anvil: ChainProcess, tmp_path: Path
) -> None:
    """Its master alone: the worker that is left holds the port."""
    if nginx.find() is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    port = free_port()
    upstream = shared_anvil.url.removeprefix("http://")
    server = ProxyServer(
        "RPC",
        f"127.0.0.1:{port}",
        upstream,
        ours.server,
        ours.server_key,
        ours.ca,
    )
    write_proxy(tmp_path, server)
    nginx.start(tmp_path)
    try:
        nginx.start(tmp_path)  # runs already: nothing happens
        for process in nginx.running_processes(tmp_path):
            if process.ppid() == 1 or "master" in " ".join(process.cmdline()):
                process.kill()
                process.wait(5)
        nginx.start(tmp_path)
        assert block_number(f"https://127.0.0.1:{port}", client(ours)) >= 0
        masters = [
            p for p in nginx.running_processes(tmp_path) if "master" in " ".join(p.cmdline())
        ]
        assert len(masters) == 1
        listening = {
            one.laddr.ip
            for process in nginx.running_processes(tmp_path)
            for one in process.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
    finally:
        assert nginx.stop(tmp_path) > 0


def test_a_port_that_is_taken_is_told(proxy: str, ours: Certificates, tmp_path: Path) -> None:
    taken = proxy.removeprefix("https://")
    server = ProxyServer("RPC", taken, "127.0.0.1:1", ours.server, ours.server_key, ours.ca)
    write_proxy(tmp_path, server)
    with pytest.raises(ChainFault, match=f"{taken}.*in use"):
        nginx.start(tmp_path)
