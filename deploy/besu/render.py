"""A network's description as Besu reads it.

OUT/besu/genesis.json              the first block: QBFT, its validators, no fees
OUT/besu/static-nodes.json         every node as a peer of every other; nothing is discovered
OUT/besu/permissions_config.toml   which nodes may connect, whose transactions are taken
OUT/besu/NAME.toml                 one node's configuration
OUT/secrets/NAME.key               its private key; made once, kept when rendered again
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_typing import ChecksumAddress

from app.verify import extra_data
from app.verify.seals import QBFT_EPOCH_BLOCKS
from deploy.network.layout import Network, Validator

P2P_PORT = 30303
RPC_PORT = 8545
CONTROL_PORT = 8546
METRICS_PORT = 9545

_QBFT_MIX_HASH = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
_ROUND_TIMES = (
    2  # a round without a block is given up after so many block times, and more each time
)
_PEERS = 32
_MAX_REQUEST_BYTES = 64 * 1024 * 1024
_MAX_BATCH = 10_000
_POOL_TRANSACTIONS = 10_000


@dataclass(frozen=True, slots=True)
class Node:
    """A validator as its peers know it."""

    validator: Validator
    public_key: str
    address: ChecksumAddress
    host: str

    @property
    def enode(self) -> str:
        """Its URL for peers: the public key is what is authenticated, not the address."""
        return f"enode://{self.public_key}@{self.host}:{P2P_PORT}"


def make_nodes(network: Network, secrets: Path, hosts: Sequence[str]) -> list[Node]:
    """Every validator with its node key, which is made where there is none; `hosts` in order."""
    nodes = []
    for validator, host in zip(network.validators, hosts, strict=True):
        key = _node_key(secrets / f"{network.data(validator).name}.key").public_key
        nodes.append(
            Node(validator, key.to_hex()[2:], ChecksumAddress(key.to_checksum_address()), host)
        )
    return nodes


def render(
    network: Network,
    nodes: Sequence[Node],
    accounts: Iterable[str],
    besu: Path,
    hosts: set[str],
    *,
    founded: bool = False,
) -> None:
    """Write Besu's files into `besu`. Of a network that is `founded` the permissions and peers are
    the registry's to say (deploy.besu.permissions), and stay.

    `accounts`: the addresses whose transactions are taken. `hosts`: the names under which HTTP
    clients, proxies and Prometheus among them, reach the nodes.
    """
    besu.mkdir(parents=True, exist_ok=True)
    (besu / "genesis.json").write_text(json.dumps(genesis(network, nodes), indent=2) + "\n")
    if not founded:
        enodes = [node.enode for node in nodes]
        (besu / "static-nodes.json").write_text(json.dumps(enodes, indent=2) + "\n")
        (besu / "permissions_config.toml").write_text(permissions(enodes, accounts))
    for node in nodes:
        name = network.data(node.validator).name
        (besu / f"{name}.toml").write_text(_toml(_configuration(network, node, hosts)))


def genesis(network: Network, nodes: Sequence[Node]) -> dict[str, Any]:
    """The first block and the rules. Up to London, so that `paris` bytecode runs (no PUSH0 is
    needed), with a base fee of 0."""
    return {
        "config": {
            "chainId": network.chain_id,
            "londonBlock": 0,
            "zeroBaseFee": True,
            "qbft": {
                "blockperiodseconds": network.block_time_s,
                "epochlength": QBFT_EPOCH_BLOCKS,
                "requesttimeoutseconds": network.block_time_s * _ROUND_TIMES,
            },
        },
        "nonce": "0x0",
        "timestamp": "0x0",
        "gasLimit": hex(network.block_gas_limit),
        "difficulty": "0x1",
        "mixHash": _QBFT_MIX_HASH,
        "coinbase": "0x" + "0" * 40,
        "extraData": extra_data.genesis([node.address for node in nodes]),
        "alloc": {},
    }


def permissions(enodes: Iterable[str], accounts: Iterable[str]) -> str:
    """The file of local permissions: the same on every node."""
    return _toml(
        {
            "nodes-allowlist": sorted(enodes),
            "accounts-allowlist": sorted({one.lower() for one in accounts}),
        }
    )


def _configuration(network: Network, node: Node, hosts: set[str]) -> dict[str, Any]:
    return {
        "data-path": "/var/lib/besu",
        "genesis-file": "/etc/besu/genesis.json",
        "node-private-key-file": "/run/secrets/node.key",
        "data-storage-format": "FOREST",
        "sync-mode": "FULL",
        "logging": "INFO",
        # peers: only those that are named
        "discovery-enabled": False,
        "nat-method": "NONE",
        "p2p-host": node.host,
        "p2p-port": P2P_PORT,
        "max-peers": _PEERS,
        "remote-connections-limit-enabled": False,
        "static-nodes-file": "/etc/besu/static-nodes.json",
        "permissions-nodes-config-file-enabled": True,
        "permissions-nodes-config-file": "/etc/besu/permissions_config.toml",
        "permissions-accounts-config-file-enabled": True,
        "permissions-accounts-config-file": "/etc/besu/permissions_config.toml",
        # gas is free, and a bank sends thousands of transactions with one key
        "min-gas-price": 0,
        "target-gas-limit": network.block_gas_limit,
        "tx-pool": "sequenced",
        "tx-pool-max-size": _POOL_TRANSACTIONS,
        "tx-pool-limit-by-account-percentage": 1.0,
        # reached by the bank's proxy alone
        "rpc-http-enabled": True,
        "rpc-http-host": "0.0.0.0",
        "rpc-http-port": RPC_PORT,
        "rpc-http-api": ["ETH", "NET", "WEB3", "TXPOOL"],
        "rpc-http-max-batch-size": _MAX_BATCH,
        "rpc-http-max-request-content-length": _MAX_REQUEST_BYTES,
        # votes and permissions are the own bank's: no proxy leads there
        "rpc-ws-enabled": True,
        "rpc-ws-host": "0.0.0.0",
        "rpc-ws-port": CONTROL_PORT,
        "rpc-ws-api": ["QBFT", "PERM"],
        "host-allowlist": sorted(hosts),
        "metrics-enabled": True,
        "metrics-host": "0.0.0.0",
        "metrics-port": METRICS_PORT,
    }


def _toml(values: dict[str, Any]) -> str:
    """Strings, numbers, booleans and lists of strings are written in TOML as in JSON."""
    return "".join(f"{key}={json.dumps(value)}\n" for key, value in values.items())


def _node_key(path: Path) -> PrivateKey:
    if path.exists():
        return PrivateKey(bytes.fromhex(path.read_text().strip().removeprefix("0x")))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = PrivateKey(os.urandom(32))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    os.fchmod(handle, 0o444)  # whatever the umask: another user's container reads it
    with os.fdopen(handle, "w") as file:
        file.write(key.to_hex() + "\n")
    return key
