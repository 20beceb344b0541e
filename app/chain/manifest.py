"""The network's description that every bank holds: which chain, and where its contracts stand."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

CONTRACTS = ("ConsortiumRegistry", "FacilityRegistry", "ReserveLedger", "Reconciliation")

CONTRACT_VERSION = 1
"""The `contractVersion()` that this release of the application speaks to."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`addresses` maps contract names to checksummed addresses; blocks before `first_block`
    hold nothing of ours."""

    engine: str
    chain_id: int
    addresses: dict[str, str]
    first_block: int

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Raises OSError when the file cannot be read, ValueError when it is not a manifest."""
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, json.JSONDecodeError) as fault:
            raise ValueError(
                f"{path} is not a network manifest ({fault}); take it from the bank that "
                "founded the network"
            ) from fault
