"""What is rendered for Besu says what the network's description says."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest
import rlp
from eth_keys.datatypes import PrivateKey

from app.verify import extra_data
from deploy.besu import render
from deploy.consortium import ConsortiumFolder
from deploy.network.layout import Network, Validator

# From Besu's documentation (Configure QBFT consensus, header validator selection).
DOCUMENTED = (
    "0xf87aa00000000000000000000000000000000000000000000000000000000000000000f854"
    "9464a702e6263b7297a96638cac6ae65e6541f4169943923390ad55e90c237593b3b0e401f3b08a0318594"
    "aefdb9a738c9f433e5b6b212a6d62f6370c2f69294c7eeb9a4e00ce683cf93039b212648e01c6c6b78c080c0"
)
DOCUMENTED_VALIDATORS = [
    "0x64A702E6263b7297a96638cAc6aE65e6541F4169",
    "0x3923390AD55E90C237593B3B0E401f3b08a03185",
    "0xAefDb9A738c9f433E5b6b212a6d62f6370C2F692",
    "0xC7EeB9a4e00Ce683cf93039b212648E01C6c6B78",
]
ACCOUNTS = ["0x" + "aB" * 20, "0x" + "01" * 20, "0x" + "ab" * 20]


@pytest.fixture
def network(tmp_path: Path) -> Network:
    folder = ConsortiumFolder(tmp_path / "net")
    validators = [
        Validator(f"{bank}-{n}", bank, "0x" + "0" * 40, "", 1, 2, 3)
        for bank, n in (("webank", 1), ("huarui", 1), ("luoyang", 1), ("webank", 2))
    ]
    return Network(folder, 4_711, validators, 123_000_000, 2)


def made(network: Network, out: Path) -> list[render.Node]:
    hosts = [f"172.30.0.{place}" for place in range(11, 15)]
    nodes = render.make_nodes(network, out / "secrets", hosts)
    render.render(network, nodes, ACCOUNTS, out / "besu", {"localhost", "webank-1"})
    return nodes


def test_the_documented_extra_data_is_read_and_written() -> None:
    assert extra_data.decode(DOCUMENTED) == extra_data.ExtraData(DOCUMENTED_VALIDATORS, None, 0, [])
    ours = extra_data.genesis(DOCUMENTED_VALIDATORS)
    assert len(ours) == len(DOCUMENTED)
    assert set(extra_data.decode(ours).validators) == set(DOCUMENTED_VALIDATORS)
    # The validators in the order of their addresses; all else is the same.
    in_order = sorted(DOCUMENTED_VALIDATORS, key=str.lower)
    assert extra_data.decode(ours).validators == in_order
    assert extra_data.genesis([]) == (
        "0xe5a00000000000000000000000000000000000000000000000000000000000000000c0c080c0"
    )


@pytest.mark.parametrize(
    ("vote", "meaning"),
    [([b"\x11" * 20, b"\xff"], True), ([b"\x11" * 20, b""], False)],
)
def test_votes_rounds_and_seals_of_later_blocks_are_read(vote: list[bytes], meaning: bool) -> None:
    raw = rlp.encode([bytes(32), [b"\x22" * 20], vote, b"\x03", [b"\x33" * 65]])
    assert extra_data.decode(raw.hex()) == extra_data.ExtraData(
        ["0x" + "22" * 20], ("0x" + "11" * 20, meaning), 3, [b"\x33" * 65]
    )


@pytest.mark.parametrize("text", ["", "0x", "0xc0", DOCUMENTED[:-2], "zz", "0x" + "00" * 32])
def test_what_is_no_extra_data_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="extraData"):
        extra_data.decode(text)


def test_genesis_says_what_the_description_says(network: Network, tmp_path: Path) -> None:
    nodes = made(network, tmp_path)
    genesis = json.loads((tmp_path / "besu" / "genesis.json").read_text())
    config = genesis["config"]
    assert config["chainId"] == 4_711
    assert config["zeroBaseFee"] is True and "shanghaiTime" not in config
    assert config["qbft"]["blockperiodseconds"] == 2
    assert int(genesis["gasLimit"], 16) == 123_000_000
    decoded = extra_data.decode(genesis["extraData"])
    assert set(decoded.validators) == {node.address for node in nodes}
    assert (decoded.vote, decoded.round, decoded.seals) == (None, 0, [])


def test_each_nodes_key_is_the_validators(network: Network, tmp_path: Path) -> None:
    for node in made(network, tmp_path):
        path = tmp_path / "secrets" / f"{node.validator.name}.key"
        key = PrivateKey(bytes.fromhex(path.read_text().strip()[2:]))
        assert key.public_key.to_checksum_address() == node.address
        assert key.public_key.to_hex() == "0x" + node.public_key
        assert node.enode == f"enode://{node.public_key}@{node.host}:30303"
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_rendered_again_nothing_changes(network: Network, tmp_path: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for folder in ("besu", "secrets")
            for path in sorted((tmp_path / folder).iterdir())
        }

    made(network, tmp_path)
    before = contents()
    made(network, tmp_path)
    assert contents() == before


def test_permissions_name_every_node_and_account_once(network: Network, tmp_path: Path) -> None:
    nodes = made(network, tmp_path)
    found = tomllib.loads((tmp_path / "besu" / "permissions_config.toml").read_text())
    assert found == {
        "nodes-allowlist": sorted(node.enode for node in nodes),
        "accounts-allowlist": ["0x" + "01" * 20, "0x" + "ab" * 20],
    }
    static = json.loads((tmp_path / "besu" / "static-nodes.json").read_text())
    assert sorted(static) == found["nodes-allowlist"]


def test_configurations_are_free_of_gas_and_closed_to_strangers(
    network: Network, tmp_path: Path
) -> None:
    for node in made(network, tmp_path):
        text = (tmp_path / "besu" / f"{node.validator.name}.toml").read_text()
        config = tomllib.loads(text)
        assert config["min-gas-price"] == 0
        assert config["tx-pool-limit-by-account-percentage"] == 1.0
        assert config["data-storage-format"] == "FOREST"
        assert config["discovery-enabled"] is False
        assert config["permissions-nodes-config-file-enabled"] is True
        assert config["permissions-accounts-config-file-enabled"] is True
        assert config["p2p-host"] == node.host
        assert "*" not in config["host-allowlist"]
        assert set(config["rpc-http-api"]) == {"ETH", "NET", "WEB3", "TXPOOL"}
        assert set(config["rpc-ws-api"]) == {"QBFT", "PERM"}
        assert config["rpc-ws-port"] != config["rpc-http-port"]
