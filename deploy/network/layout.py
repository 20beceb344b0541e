"""The chain's part of a network's folder, and what is known of every validator.

DIR/chain/validators.json      the description: chain id, limits, names, addresses and ports,
                               all on 127.0.0.1
DIR/chain/genesis.json         the first block, and every validator as a peer to begin with
DIR/chain/NAME/                one validator: its keys, its blocks and state, node.log, and the log
                               before it, node.log.1
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.domain.errors import ConfigFault, UsageFault
from deploy.bank_toml import OwnNodes
from deploy.consortium import ConsortiumFolder, folder_name, replace_file

HOST = "127.0.0.1"
BLOCK_GAS_LIMIT = 200_000_000
BLOCK_TIME_S = 1


@dataclass(frozen=True, slots=True)
class Validator:
    """One validator. `name` is BANK-N; `address` signs blocks, `node_id` names it to its peers."""

    name: str
    bank: str
    address: str
    node_id: str
    rpc_port: int
    peer_port: int
    control_port: int
    tls_port: int = 0
    """Of the proxy before its RPC; 0 where the network has no proxy."""

    @property
    def rpc(self) -> str:
        """The URL of its JSON-RPC, for those who run it."""
        return f"http://{HOST}:{self.rpc_port}"

    @property
    def peer(self) -> str:
        """Where its peers find it: a libp2p address, its peer id in it."""
        return f"/ip4/{HOST}/tcp/{self.peer_port}/p2p/{self.node_id}"

    @property
    def control(self) -> str:
        """Where it takes votes, from this machine alone: the port asks nobody who he is."""
        return f"{HOST}:{self.control_port}"

    @property
    def endpoint(self) -> str:
        """The URL at which the banks' nodes reach it: through the proxy, where there is one."""
        return f"https://{HOST}:{self.tls_port}" if self.tls_port else self.rpc


@dataclass(frozen=True, slots=True)
class Network:
    """The chain of the consortium in `folder`, whichever engine runs it: what each engine's files
    are made from. Gas costs nothing on any."""

    folder: ConsortiumFolder
    chain_id: int
    validators: list[Validator]
    block_gas_limit: int = BLOCK_GAS_LIMIT
    block_time_s: int = BLOCK_TIME_S
    api_tls_ports: dict[str, int] = field(default_factory=dict)
    """By the members' names: the proxy's ports before their nodes' APIs."""

    @property
    def genesis(self) -> Path:
        return self.folder.chain / "genesis.json"

    def data(self, validator: Validator) -> Path:
        """A validator's folder."""
        return data_folder(self.folder, validator.name)

    def log(self, validator: Validator) -> Path:
        """What a validator's process printed, over all its starts."""
        return self.data(validator) / "node.log"

    def own_nodes(self, name: str, engine: Path) -> OwnNodes:
        """A member's own validators, as its node is told of them."""
        return OwnNodes([one.control for one in self.validators if one.bank == name], engine)

    def rpcs_of(self, name: str, place: int) -> list[str]:
        """The endpoints of a member that stands at `place` (from 0) among the members.

        Its own first validator, then the others; members without one, auditors among them, share.
        """
        own = (n for n, one in enumerate(self.validators) if one.bank == name)
        first = next(own, place % len(self.validators))
        return [one.endpoint for one in (*self.validators[first:], *self.validators[:first])]

    def write(self) -> None:
        replace_file(
            _description(self.folder),
            json.dumps(
                {
                    "chain_id": self.chain_id,
                    "block_gas_limit": self.block_gas_limit,
                    "block_time_s": self.block_time_s,
                    "api_tls_ports": self.api_tls_ports,
                    "validators": [asdict(validator) for validator in self.validators],
                },
                indent=2,
            )
            + "\n",
        )


def read(root: Path) -> Network:
    """The network in a folder. Raises UsageFault where there is none, ConfigFault."""
    folder = ConsortiumFolder(root.resolve())
    path = _description(folder)
    try:
        found = json.loads(path.read_text())
        validators = [Validator(**entry) for entry in found["validators"]]
        return Network(
            folder,
            int(found["chain_id"]),
            validators,
            int(found["block_gas_limit"]),
            int(found["block_time_s"]),
            dict(found["api_tls_ports"]),
        )
    except (FileNotFoundError, NotADirectoryError):
        raise UsageFault(
            "this folder holds no network",
            where=str(root),
            remedy="Make one with `tally network create`, or name another folder",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise ConfigFault(
            f"the network's description cannot be read ({type(fault).__name__}: {fault})",
            where=str(path),
            remedy="Restore it from a backup",
        ) from None


def data_folder(folder: ConsortiumFolder, name: str) -> Path:
    """The folder of the validator of that name."""
    bank, _, number = name.rpartition("-")
    return folder.chain / f"{folder_name(bank)}-{number}"


def _description(folder: ConsortiumFolder) -> Path:
    return folder.chain / "validators.json"
