"""One of a bank's keys put to work on the contracts: it signs, sends, and tells what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from app.chain.rpc import Rpc
from app.contracts.events import ContractEvent, events_of
from app.contracts.transactions import Call, execute_all
from app.keys.keystore import load_account


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction that was mined, and what it did."""

    transaction: str
    block: int
    events: list[ContractEvent]

    def told(self, name: str) -> dict[str, Any] | None:
        """The arguments of the event of that name; None where it did not come."""
        return next((one.arguments for one in self.events if one.name == name), None)


class Signer:
    """A key and a way to the chain. (Postings and holds share the outbox's lane instead.)"""

    def __init__(self, rpc: Rpc, account: LocalAccount) -> None:
        self._rpc = rpc
        self._account = account

    @classmethod
    def load(cls, rpc: Rpc, folder: Path, purpose: str, *, development: bool) -> Self:
        """The key for that purpose in a bank's key folder. Raises KeyUnusable."""
        return cls(rpc, load_account(folder, purpose, development=development))

    @property
    def address(self) -> ChecksumAddress:
        """The key's address."""
        return self._account.address

    def send(self, call: Call) -> Done:
        """Send a call and wait until it is mined.

        Raises ContractReverted, before anything is sent, when the contract refuses.
        """
        return self.send_all([call])[0]

    def send_all(self, calls: Sequence[Call]) -> list[Done]:
        """Send calls that do not build on each other, and wait until all are mined.

        Raises ContractReverted, before anything is sent, when the contract refuses one of them.
        """
        return [
            Done(receipt["transactionHash"], int(receipt["blockNumber"], 16), events_of(receipt))
            for receipt in execute_all(self._rpc, self._account, calls)
        ]

    def is_waiting(self) -> bool:
        """Whether something that the key has signed was sent and is in no block yet."""
        counts = [
            ("eth_getTransactionCount", [self.address, block]) for block in ("latest", "pending")
        ]
        mined, sent = self._rpc.batch(counts)
        return int(sent, 16) > int(mined, 16)
