"""What is rendered for Besu says what the network's description says."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import rlp
from eth_keys.datatypes import PrivateKey

from app.domain.errors import ConfigFault
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


def made(
    network: Network, out: Path, release: render.Release = render.Release.TRIED
) -> list[render.Node]:
    nodes = [
        render.make_node(one.name, one.bank, f"172.30.0.{place}", out / "secrets")
        for place, one in enumerate(network.validators, 11)
    ]
    besu = out / "besu"
    render.write_genesis(network, nodes, besu)
    render.write_peers(besu, [node.enode for node in nodes])
    render.write_accounts(besu, ACCOUNTS, [node.name for node in nodes])
    gas = network.block_gas_limit
    render.write_configurations(nodes, gas, {"localhost", "webank-1"}, besu, release)
    return nodes


def configurations(
    network: Network, out: Path, release: render.Release = render.Release.TRIED
) -> list[dict[str, Any]]:
    names = [node.name for node in made(network, out, release)]
    return [tomllib.loads((out / "besu" / "shared" / f"{name}.toml").read_text()) for name in names]


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
    genesis = json.loads((tmp_path / "besu" / "shared" / "genesis.json").read_text())
    config = genesis["config"]
    assert config["chainId"] == 4_711
    assert config["zeroBaseFee"] is True and "shanghaiTime" not in config
    # A round is given up after four block times: after two, rounds failed that would have ended.
    assert config["qbft"]["blockperiodseconds"] == 2
    assert config["qbft"]["requesttimeoutseconds"] == 8
    assert int(genesis["gasLimit"], 16) == 123_000_000
    decoded = extra_data.decode(genesis["extraData"])
    assert set(decoded.validators) == {node.address for node in nodes}
    assert (decoded.vote, decoded.round, decoded.seals) == (None, 0, [])


def test_each_nodes_key_is_the_validators(network: Network, tmp_path: Path) -> None:
    for node in made(network, tmp_path):
        path = tmp_path / "secrets" / f"{node.name}.key"
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
            for path in sorted((tmp_path / folder).rglob("*"))
            if path.is_file()
        }

    made(network, tmp_path)
    before = contents()
    made(network, tmp_path)
    assert contents() == before


def test_permissions_name_every_node_and_account_once(network: Network, tmp_path: Path) -> None:
    nodes = made(network, tmp_path)
    besu = tmp_path / "besu"
    enodes = sorted(node.enode for node in nodes)
    assert tomllib.loads((besu / "shared" / "nodes.toml").read_text()) == {
        "nodes-allowlist": enodes
    }
    assert json.loads((besu / "shared" / "static-nodes.json").read_text()) == enodes
    for node in nodes:
        own = tomllib.loads((besu / "accounts" / node.name / "accounts.toml").read_text())
        assert own == {"accounts-allowlist": ["0x" + "01" * 20, "0x" + "ab" * 20]}


# As Besu does: the file is emptied, then written again.
REWRITE = """
folder=/proc/self/fd/$1
text=$(cat $folder/accounts.toml) && echo "$text" > $folder/accounts.toml && : > $folder/beside
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a program as another user")
def test_besus_user_writes_its_accounts_also_after_they_were_written_anew(
    network: Network, tmp_path: Path
) -> None:
    """It is no owner here and cannot enter the folder around: it is given the mounted one."""
    before = os.umask(0o077)
    try:
        nodes = made(network, tmp_path)
        names = [node.name for node in nodes]
        for accounts in (ACCOUNTS, ["0x" + "22" * 20]):
            render.write_accounts(tmp_path / "besu", accounts, names)
            for name in names:
                mounted = os.open(tmp_path / "besu" / "accounts" / name, os.O_RDONLY)
                call = ["/bin/sh", "-c", REWRITE, "besu", str(mounted)]
                done = subprocess.run(
                    call, user=1000, group=1000, cwd="/", pass_fds=[mounted], check=False
                )
                assert done.returncode == 0, name
                os.close(mounted)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "besu" / "accounts").stat().st_mode) == 0o700


def test_configurations_are_free_of_gas_and_closed_to_strangers(
    network: Network, tmp_path: Path
) -> None:
    for config, node in zip(
        configurations(network, tmp_path), made(network, tmp_path), strict=True
    ):
        assert config["min-gas-price"] == 0
        assert config["tx-pool-limit-by-account-percentage"] == 1.0
        assert config["target-gas-limit"] == 123_000_000
        assert config["poa-block-txs-selection-max-time"] == 75
        assert config["data-storage-format"] == "FOREST"
        assert config["discovery-enabled"] is False
        assert config["permissions-nodes-config-file-enabled"] is True
        assert config["permissions-accounts-config-file-enabled"] is True
        assert config["p2p-host"] == node.host
        assert "*" not in config["host-allowlist"]
        assert set(config["rpc-http-api"]) == {"ETH", "NET", "WEB3", "TXPOOL"}
        assert set(config["rpc-ws-api"]) == {"QBFT", "PERM"}
        assert config["rpc-ws-port"] != config["rpc-http-port"]


def test_only_a_rolling_upgrade_encodes_as_the_older_release(
    network: Network, tmp_path: Path
) -> None:
    option = "Xbft-legacy-protocol-encoding"
    for release in render.Release:
        for config in configurations(network, tmp_path, release):
            assert config.get(option) is (True if release is render.Release.ROLLING else None)
        assert render.read_release(tmp_path / "besu") is release
    assert render.Release.ROLLING.image == render.Release.NEWER.image == "hyperledger/besu:26.8.0"


def test_a_release_that_nobody_renders_for_is_refused(tmp_path: Path) -> None:
    assert render.read_release(tmp_path) is render.Release.TRIED
    (tmp_path / "release").write_text("27.0.0\n")
    with pytest.raises(ConfigFault, match="no release") as fault:
        render.read_release(tmp_path)
    assert fault.value.where == str(tmp_path / "release")
