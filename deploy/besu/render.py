"""A network's description as Besu reads it.

OUT/besu/shared/                   what every node reads and none writes:
    genesis.json                   the first block: QBFT, its validators, no fees
    static-nodes.json              every node as a peer of every other; nothing is discovered
    nodes.toml                     which nodes may connect
    NAME.toml                      one node's configuration
OUT/besu/accounts/NAME/            one node's own, which Besu writes at each start and reload:
    accounts.toml                  whose transactions it takes
OUT/besu/release                   which Besu it is rendered for, see Release
OUT/secrets/NAME.key               its private key; made once, kept when rendered again
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_typing import ChecksumAddress

from app.domain.errors import ConfigFault
from app.verify import extra_data
from app.verify.seals import QBFT_EPOCH_BLOCKS
from deploy.consortium import replace_file
from deploy.network.layout import Network

P2P_PORT = 30303
RPC_PORT = 8545
CONTROL_PORT = 8546
METRICS_PORT = 9545

SHARED = "/etc/besu"
ACCOUNTS = "/etc/besu-accounts"
DATA = "/var/lib/besu"
NODE_KEY = "/run/secrets/node.key"
"""Where a node finds its files."""

_QBFT_MIX_HASH = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
# A round without a block is given up after so many block times, and each next one after twice as
# many. With two, rounds timed out while four nodes on two cores still chose and ran transactions.
_ROUND_TIMES = 4
_SELECTION_PERCENT = 75  # of a block's time for choosing transactions: the most that Besu takes
_PEERS = 32
_MAX_REQUEST_BYTES = 64 * 1024 * 1024
_MAX_BATCH = 10_000
_POOL_TRANSACTIONS = 10_000


class Release(StrEnum):
    """Which Besu runs, and how its nodes speak to each other."""

    TRIED = "25.11.0"
    """What this project was run with."""
    ROLLING = "26.8.0-rolling"
    """The newer one while some nodes still run the older: messages are encoded as before."""
    NEWER = "26.8.0"
    """The newer one, when every node runs it."""

    @property
    def image(self) -> str:
        return f"hyperledger/besu:{self.value.removesuffix('-rolling')}"


@dataclass(frozen=True, slots=True)
class Node:
    """A chain node as its peers know it: `name` is its service, `bank` whose it is."""

    name: str
    bank: str
    public_key: str
    address: ChecksumAddress
    host: str

    @property
    def enode(self) -> str:
        """Its URL for peers: the public key is what is authenticated, not the address."""
        return f"enode://{self.public_key}@{self.host}:{P2P_PORT}"


def make_node(name: str, bank: str, host: str, secrets: Path) -> Node:
    """A node with its key in `secrets`, which is made where there is none; peers find it at
    `host`, an address."""
    key = _node_key(secrets / f"{name}.key").public_key
    return Node(name, bank, key.to_hex()[2:], ChecksumAddress(key.to_checksum_address()), host)


def write_genesis(network: Network, nodes: Sequence[Node], besu: Path) -> None:
    """Write the first block, which these nodes seal."""
    shared = besu / "shared"
    shared.mkdir(parents=True, exist_ok=True)
    (shared / "genesis.json").write_text(json.dumps(genesis(network, nodes), indent=2) + "\n")


def write_configurations(
    nodes: Sequence[Node], block_gas_limit: int, clients: set[str], besu: Path, release: Release
) -> None:
    """Write each node's configuration. `clients` of HTTP, proxies and Prometheus among them, reach
    the nodes under these names."""
    (besu / "release").write_text(release + "\n")
    for node in nodes:
        text = _toml(_configuration(node, block_gas_limit, clients, release))
        (besu / "shared" / f"{node.name}.toml").write_text(text)


def read_release(besu: Path) -> Release:
    """What a folder is rendered for; a new one for the release that was tried. Raises
    ConfigFault."""
    path = besu / "release"
    if not path.exists():
        return Release.TRIED
    try:
        return Release(path.read_text().strip())
    except ValueError:
        raise ConfigFault(
            "this names no release of Besu that files are rendered for",
            where=str(path),
            remedy=f"Write one of {', '.join(Release)} into it",
        ) from None


def write_peers(besu: Path, enodes: Iterable[str]) -> None:
    """Which nodes may connect, and whom each node calls when it starts."""
    ordered = sorted(enodes)
    for file, text in (
        ("nodes.toml", _toml({"nodes-allowlist": ordered})),
        ("static-nodes.json", json.dumps(ordered, indent=2) + "\n"),
    ):
        replace_file(besu / "shared" / file, text, mode=0o644)  # Besu's user is another one


def write_accounts(besu: Path, accounts: Iterable[str], names: Iterable[str]) -> None:
    """Whose transactions the nodes of these `names` take: a file of its own for each, because Besu
    writes it again at each start and reload, and several that do so at once destroy a shared one.

    Besu's user is another one than the folder's owner: anyone may write the file, and nobody else
    may enter the folder around it, which containers do not see.
    """
    folder = besu / "accounts"
    folder.mkdir(exist_ok=True, mode=0o700)
    text = _toml({"accounts-allowlist": sorted({one.lower() for one in accounts})})
    for name in names:
        own = folder / name
        own.mkdir(exist_ok=True)
        own.chmod(0o777)  # whatever the umask
        replace_file(own / "accounts.toml", text, mode=0o666)


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


def _configuration(
    node: Node, block_gas_limit: int, clients: set[str], release: Release
) -> dict[str, Any]:
    values = {
        "data-path": DATA,
        "genesis-file": f"{SHARED}/genesis.json",
        "node-private-key-file": NODE_KEY,
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
        "static-nodes-file": f"{SHARED}/static-nodes.json",
        "permissions-nodes-config-file-enabled": True,
        "permissions-nodes-config-file": f"{SHARED}/nodes.toml",
        "permissions-accounts-config-file-enabled": True,
        "permissions-accounts-config-file": f"{ACCOUNTS}/accounts.toml",
        # gas is free, and a bank sends thousands of transactions with one key
        "min-gas-price": 0,
        "target-gas-limit": block_gas_limit,
        "poa-block-txs-selection-max-time": _SELECTION_PERCENT,
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
        "host-allowlist": sorted(clients),
        "metrics-enabled": True,
        "metrics-host": "0.0.0.0",
        "metrics-port": METRICS_PORT,
    }
    if release is Release.ROLLING:
        values["Xbft-legacy-protocol-encoding"] = True
    return values


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
