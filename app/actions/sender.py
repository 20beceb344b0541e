"""One of a bank's keys, and the sending of what it signs: every transaction but the postings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine

from app.actions.reasons import sealed_reason
from app.chain.errors import ChainAnswer
from app.chain.newest import confirmed
from app.chain.rpc import Rpc
from app.contracts.day_close import DayClose
from app.contracts.events import ContractEvent, events_of
from app.contracts.transactions import (
    Call,
    built,
    data_of,
    name_of,
    next_nonce,
    sign_built,
    succeeded,
)
from app.domain.errors import ChainFault
from app.domain.reasons import Reason
from app.keys.keystore import load_account
from app.outbox.operator_calls import store_in_turn


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that is on the chain. `signed`: keccak256 of the call's data, in hex."""

    transaction: str
    block: int
    signed: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction that is signed and was sent to nobody yet: its bytes, their hash and nonce."""

    transaction: str
    nonce: int
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """What was sent and is on the chain, and what it changed there."""

    receipts: tuple[Receipt, ...]
    events: tuple[ContractEvent, ...]
    reason: Reason | None = field(default=None, repr=False, kw_only=True)
    """What was given as the reason, where it was sealed for nobody: to be kept."""

    def event(self, name: str) -> dict[str, Any] | None:
        """The arguments of the first event of that name; None where none came."""
        return next((one.arguments for one in self.events if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Signer:
    """A bank's key for one purpose (operator, approver, recovery), and a connection to the chain.

    `outbox` is the bank's database where the key is its operator's, which posts too: the nonces are
    then taken in turn with the batches'. `reasons` takes the reasons of what is signed.
    `before_sending` is given what is signed, in the order of its nonces, before anything of it is
    sent; where it raises, nothing is. Its connection is that of the transaction in which an
    `outbox` keeps the same, else None.
    """

    rpc: Rpc
    account: LocalAccount
    bank: str
    purpose: str
    outbox: Engine | None = None
    reasons: DayClose | None = None
    before_sending: Callable[[Sequence[Signed], Connection | None], None] | None = None

    @classmethod
    def load(
        cls,
        rpc: Rpc,
        folder: Path,
        purpose: str,
        *,
        bank: str,
        development: bool,
        reasons: DayClose | None = None,
    ) -> Self:
        """A key that posts nothing, from a bank's key folder. Raises KeyUnusable."""
        account = load_account(folder, purpose, development=development)
        return cls(rpc, account, bank, purpose, reasons=reasons)

    @property
    def address(self) -> ChecksumAddress:
        """The key's address."""
        return self.account.address

    def send_with_reason(
        self, *calls: Call, reason: Reason, may_read: Mapping[int, bytes] | None
    ) -> Done:
        """Send calls as `send` does, and before them their reason, sealed for its readers: what was
        done never stands there without it. Without readers, or where nothing takes reasons, it is
        given back to be kept."""
        if self.reasons is None or not may_read:
            return replace(self.send(*calls), reason=reason)
        given = self.reasons.give_reason(reason.hash, sealed_reason(reason, may_read))
        done = self.send(given, *calls)
        return replace(done, receipts=(*done.receipts[1:], done.receipts[0]))

    def send(self, *calls: Call) -> Done:
        """Send calls that do not build on each other, and wait until all are on the chain: as many
        as fit share a block.

        Raises ContractReverted, before anything is sent, when a contract refuses one of them;
        ChainFault when one failed in its block, or came into none in time. They are signed once:
        where an endpoint fails, the next one gets the same bytes.
        """
        ready, chain_id, mined = self.rpc.run(
            lambda: (
                [built(self.account, call) for call in calls],
                int(self.rpc.call("eth_chainId", []), 16),
                next_nonce(self.rpc, self.account),
            )
        )
        if self.outbox is not None:
            hashes, unmined = store_in_turn(
                self.outbox, self.account, chain_id, mined, ready, self._keep
            )
            # Older ones too that nobody has mined; what a pool says of them proves nothing.
            self.rpc.run(lambda: self.rpc.batch_answers([_broadcast(raw) for raw in unmined]))
        else:
            raws = [
                sign_built(self.account, transaction, chain_id=chain_id, nonce=mined + place)
                for place, transaction in enumerate(ready)
            ]
            hashes = ["0x" + keccak(raw).hex() for raw in raws]
            if self.before_sending is not None:
                self.before_sending(
                    [
                        Signed(tx_hash, mined + place, raw)
                        for place, (tx_hash, raw) in enumerate(zip(hashes, raws, strict=True))
                    ],
                    None,
                )
            self.rpc.run(lambda: self._offer(raws, hashes, mined))
        receipts = self.rpc.run(
            lambda: [
                succeeded(self.rpc, name_of(call), tx_hash)
                for call, tx_hash in zip(calls, hashes, strict=True)
            ]
        )
        return Done(
            tuple(
                Receipt(
                    receipt["transactionHash"],
                    int(receipt["blockNumber"], 16),
                    "0x" + keccak(data_of(transaction)).hex(),
                )
                for receipt, transaction in zip(receipts, ready, strict=True)
            ),
            tuple(event for receipt in receipts for event in events_of(receipt)),
        )

    def is_waiting(self) -> bool:
        """Whether something that the key has signed was sent and is in no block yet."""
        counts = [
            ("eth_getTransactionCount", [self.address, block]) for block in ("latest", "pending")
        ]
        mined, sent = self.rpc.batch(counts)
        mined = confirmed(self.rpc, mined, "eth_getTransactionCount", self.address)
        return int(sent, 16) > int(mined, 16)

    def _keep(self, connection: Connection, signed: Sequence[tuple[str, int, bytes]]) -> None:
        if self.before_sending is not None:
            self.before_sending([Signed(*one) for one in signed], connection)

    def _offer(self, raws: list[bytes], hashes: list[str], first_nonce: int) -> None:
        """Raises ChainFault where another transaction of the key has taken a nonce, ChainAnswer
        where the endpoint refuses one for anything else and does not know it either."""
        answers = self.rpc.batch_answers([_broadcast(raw) for raw in raws])
        for nonce, (answer, tx_hash) in enumerate(zip(answers, hashes, strict=True), first_nonce):
            refused = answer.get("error")
            if refused is None:
                continue
            if self.rpc.call("eth_getTransactionByHash", [tx_hash]) is None:
                if next_nonce(self.rpc, self.account) > nonce:
                    raise ChainFault(
                        f"another command signed with the {self.purpose} key of {self.bank} at the "
                        "same time, and its transaction took the place of this one",
                        where=self.address,
                        remedy="Look at what was done, then run this again if it is still wanted",
                    )
                raise ChainAnswer("eth_sendRawTransaction", refused)


def _broadcast(raw: bytes) -> tuple[str, list[Any]]:
    return "eth_sendRawTransaction", ["0x" + raw.hex()]
