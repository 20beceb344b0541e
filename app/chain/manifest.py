"""The network's description that every bank holds: which chain, and where its contracts stand."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_utils.address import is_checksum_address
from pydantic import TypeAdapter, ValidationError

from app.chain.engines import engine as chain_engine
from app.domain.consortium import CONTRACTS

CONTRACT_VERSION = 2
"""The `contractVersion()` that this release of the application speaks to."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`genesis` is the hash of the chain's block 0; `addresses` maps contract names to checksummed
    addresses; blocks before `first_block` hold nothing of ours."""

    engine: str
    chain_id: int
    genesis: str
    addresses: dict[str, str]
    first_block: int

    def write(self, path: Path) -> None:
        """Write it whole or not at all; a container's user, who is another one, may read it."""
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps(asdict(self), indent=2) + "\n")
        fresh.chmod(0o644)
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Raises OSError when the file cannot be read, ValueError when it is not a manifest."""
        try:
            manifest = _FORMAT.validate_json(path.read_bytes(), strict=True)
            manifest._check()
        except ValidationError as faults:
            why = "; ".join(
                ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
                for fault in faults.errors(include_url=False, include_input=False)
            )
        except ValueError as fault:
            why = str(fault)
        else:
            return manifest
        raise ValueError(
            f"{path} is not a network manifest ({why}); take it from the bank that founded the "
            "network"
        )

    def _check(self) -> None:
        chain_engine(self.engine)
        if self.chain_id < 1 or self.first_block < 0:
            raise ValueError("chain_id or first_block is out of range")
        if not re.fullmatch("0x[0-9a-f]{64}", self.genesis):
            raise ValueError("genesis is not a block hash")
        for name in CONTRACTS:
            if not is_checksum_address(self.addresses.get(name)):
                raise ValueError(f"addresses.{name} is not a checksummed address")


_FORMAT = TypeAdapter(Manifest)
