"""The chain's part of a network's folder, and what is known of every validator.

DIR/chain/validators.json      chain id, names, addresses and ports, all on 127.0.0.1
DIR/chain/genesis.json         the first block, and every validator as a peer to begin with
DIR/chain/NAME/                one validator: its keys, its blocks and state, and node.log
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.domain.errors import ConfigFault, UsageFault
from deploy.consortium import ConsortiumFolder, folder_name

HOST = "127.0.0.1"


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

    @property
    def rpc(self) -> str:
        """The URL of its JSON-RPC."""
        return f"http://{HOST}:{self.rpc_port}"


@dataclass(frozen=True, slots=True)
class Network:
    """The chain of the consortium in `folder`."""

    folder: ConsortiumFolder
    chain_id: int
    validators: list[Validator]

    @property
    def genesis(self) -> Path:
        return self.folder.chain / "genesis.json"

    def data(self, validator: Validator) -> Path:
        """A validator's folder."""
        return data_folder(self.folder, validator.name)

    def log(self, validator: Validator) -> Path:
        """What a validator's process printed, over all its starts."""
        return self.data(validator) / "node.log"

    def rpcs_of(self, place: int) -> list[str]:
        """The endpoints of the member at `place` (from 0, in the order of their numbers).

        Its own first validator, then the others; members beyond the validators, auditors among
        them, share.
        """
        first = place % len(self.validators)
        return [one.rpc for one in (*self.validators[first:], *self.validators[:first])]

    def write(self) -> None:
        _description(self.folder).write_text(
            json.dumps(
                {
                    "chain_id": self.chain_id,
                    "validators": [asdict(validator) for validator in self.validators],
                },
                indent=2,
            )
            + "\n"
        )


def read(root: Path) -> Network:
    """The network in a folder. Raises UsageFault where there is none, ConfigFault."""
    folder = ConsortiumFolder(root.resolve())
    path = _description(folder)
    try:
        found = json.loads(path.read_text())
        validators = [Validator(**entry) for entry in found["validators"]]
        return Network(folder, int(found["chain_id"]), validators)
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
