"""The proxy of a network: members' nodes reach the chain through it, nobody else does."""

from __future__ import annotations

import tomllib
from pathlib import Path

import psutil
import pytest
import requests

from app.chain.rpc import Rpc
from app.config import load_config
from app.domain.errors import ChainUnreachable
from app.node.bank import client_tls
from deploy.network import operate
from deploy.network.layout import HOST, Network
from deploy.proxy import nginx
from tests.network.conftest import LEAD
from tests.network.running import tally

pytestmark = pytest.mark.slow


@pytest.fixture
def behind_proxy(running: Network) -> Network:
    if not running.api_tls_ports:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    return running


def ask(network: Network, bank: str) -> int:
    """The newest block, as a bank's configuration reaches it."""
    config = load_config(network.folder.config(bank))
    rpc = Rpc(config.rpc[0], tls=client_tls(config))
    try:
        return int(rpc.call("eth_blockNumber", []), 16)
    finally:
        rpc.close()


def test_a_banks_node_asks_through_it_and_a_stranger_is_refused(behind_proxy: Network) -> None:
    assert ask(behind_proxy, LEAD) > 0
    for validator in behind_proxy.validators:
        ca = behind_proxy.folder.authority / "ca.pem"
        answer = requests.post(validator.endpoint, json={}, verify=str(ca), timeout=5)
        assert answer.status_code == 400 and "No required SSL certificate" in answer.text
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(validator.endpoint, json={}, timeout=5)


def test_every_address_that_is_listened_on_is_this_machines(behind_proxy: Network) -> None:
    listening = [
        one.laddr
        for process in nginx.running_processes(behind_proxy.folder.proxy)
        for one in process.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {HOST}
    assert {address.port for address in listening} == {
        *(one.tls_port for one in behind_proxy.validators),
        *behind_proxy.api_tls_ports.values(),
    }


def test_new_certificates_come_into_use_while_the_network_runs(behind_proxy: Network) -> None:
    config = load_config(behind_proxy.folder.config(LEAD))
    assert config.rpc_cert is not None
    before = config.rpc_cert.read_bytes()
    outcome = tally("network", "certificates", "--dir", behind_proxy.folder.root)
    assert outcome.code == 0 and "5 members have new certificates" in outcome.stdout
    assert config.rpc_cert.read_bytes() != before
    assert ask(behind_proxy, LEAD) > 0


def test_up_starts_a_proxy_that_died(behind_proxy: Network) -> None:
    nginx.stop(behind_proxy.folder.proxy)
    with pytest.raises(ChainUnreachable):
        ask(behind_proxy, LEAD)
    operate.up(behind_proxy, print)
    assert ask(behind_proxy, LEAD) > 0


def test_down_leaves_no_proxy(behind_proxy: Network) -> None:
    operate.down(behind_proxy)
    assert not nginx.running_processes(behind_proxy.folder.proxy)


def test_the_configurations_name_no_plain_endpoint(behind_proxy: Network) -> None:
    for name in behind_proxy.api_tls_ports:
        text = Path(behind_proxy.folder.config(name)).read_text()
        config = tomllib.loads(text)
        assert all(one.startswith("https://") for one in config["rpc"])
        assert config["rpc_cert"] == "tls/client.pem"


def test_apis_are_behind_tls_and_their_metrics_stay_inside(behind_proxy: Network) -> None:
    """No node runs here: the proxy itself says so, over TLS."""
    ca = str(behind_proxy.folder.authority / "ca.pem")
    for port in behind_proxy.api_tls_ports.values():
        url = f"https://{HOST}:{port}"
        assert requests.get(f"{url}/ready", verify=ca, timeout=5).status_code == 502
        assert requests.get(f"{url}/metrics", verify=ca, timeout=5).status_code == 404
        assert "plain HTTP" in requests.get(url.replace("https", "http"), timeout=5).text
