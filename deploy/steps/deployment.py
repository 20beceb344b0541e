"""What the deploy steps share: the chain, the consortium's folder, and the journal beside it."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.contract.contract import ContractConstructor
from web3.types import Nonce
from web3.utils.address import get_create_address

from app.actions.sender import Signer
from app.chain.newest import newest_state
from app.chain.rpc import Rpc
from app.contracts.transactions import next_nonce
from deploy.compile import load_artifact
from deploy.consortium import ConsortiumFolder

_IMPLEMENTATION_SLOT = (
    "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"  # ERC-1967
)
_PUSH_32 = b"\x7f"


@dataclass
class Deployment:
    """One consortium's contracts on one chain. `engine` as the manifest names it.

    `journal` is DIR/deployment.json: what was decided before it was sent, so that a run that was
    cut off finds what it made. Notes of another chain are dropped.
    """

    rpc: Rpc
    engine: str
    folder: ConsortiumFolder
    journal: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        genesis = self.rpc.call("eth_getBlockByNumber", ["0x0", False])["hash"]
        if self._journal_path.exists():
            self.journal = json.loads(self._journal_path.read_text())
        if self.journal.get("genesis") != genesis:
            self.journal = {"genesis": genesis}

    @property
    def _journal_path(self) -> Path:
        return self.folder.journal

    @cached_property
    def deployer(self) -> Signer:
        """The first member's approver key. Whoever deploys has no power over what was deployed."""
        first = self.folder.members()[0].name
        keys = self.folder.keys(first)
        return Signer.load(self.rpc, keys, "approver", bank=first, development=True)

    def note(self, **entries: Any) -> None:
        """Add to the journal, durably, before anything is sent that builds on it."""
        self.journal |= entries
        fresh = self._journal_path.with_name(self._journal_path.name + ".new")
        fresh.write_text(json.dumps(self.journal, indent=2) + "\n")
        fresh.replace(self._journal_path)

    def next_addresses(self, count: int) -> list[ChecksumAddress]:
        """Where the next contracts that the deployer makes will stand."""
        nonce = next_nonce(self.rpc, self.deployer.account)
        return [
            get_create_address(self.deployer.address, Nonce(nonce + place))
            for place in range(count)
        ]

    def creation(self, name: str, *arguments: Any) -> ContractConstructor:
        """The creation of a compiled contract."""
        artifact = load_artifact(name)
        contract = self.rpc.web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        return contract.constructor(*arguments)

    def code_hash(self, address: str) -> str:
        """The hash of the code that stands at an address now."""
        return keccak(hexstr=newest_state(self.rpc, "eth_getCode", address)).hex()

    def implementation_of(self, proxy: str) -> ChecksumAddress:
        """What an ERC-1967 proxy stands for now; the zero address where it is none."""
        word = newest_state(self.rpc, "eth_getStorageAt", proxy, _IMPLEMENTATION_SLOT)
        return to_checksum_address(int(word, 16).to_bytes(32)[12:])


def implementation_hash(name: str, address: str) -> str:
    """The hash that an implementation's code will have at `address`.

    Its own address is the only thing that is filled in when it is made (UUPS: it knows itself).
    """
    code = bytes.fromhex(load_artifact(name)["deployedBytecode"].removeprefix("0x"))
    itself = int(address, 16).to_bytes(32)
    return keccak(code.replace(_PUSH_32 + bytes(32), _PUSH_32 + itself)).hex()
