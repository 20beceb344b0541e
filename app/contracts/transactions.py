"""Transactions that a bank signs itself: built, signed locally, sent, and awaited."""

import time
from typing import Any

import rlp
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from eth_utils.crypto import keccak
from web3.contract.contract import ContractConstructor, ContractFunction

from app.chain.newest import newest_state
from app.chain.rpc import Rpc
from app.contracts.deployed_contract import translated
from app.domain.errors import ChainFault

Call = ContractFunction | ContractConstructor

_POLL_S = 0.05
_WAIT_S = 120.0


def sign(
    account: LocalAccount, *, chain_id: int, nonce: int, to: str | None, data: bytes, gas: int
) -> bytes:
    """A legacy transaction at gas price 0 (the consortium's chains are free of gas), signed for its
    chain alone (EIP-155)."""
    # By hand: eth_account checks and copies each of a posting's 128 KiB several times.
    fields = [nonce, 0, gas, bytes.fromhex(to[2:]) if to else b"", 0, data]
    signed = account.unsafe_sign_hash(Hash32(keccak(rlp.encode([*fields, chain_id, 0, 0]))))
    parity = signed.v - 27
    return bytes(rlp.encode([*fields, 2 * chain_id + 35 + parity, signed.r, signed.s]))


def sign_built(
    account: LocalAccount, transaction: dict[str, Any], *, chain_id: int, nonce: int
) -> bytes:
    """As `sign`, of a call that `built` has made ready."""
    return sign(
        account,
        chain_id=chain_id,
        nonce=nonce,
        to=transaction.get("to"),
        data=data_of(transaction),
        gas=transaction["gas"],
    )


def data_of(transaction: dict[str, Any]) -> bytes:
    """The data of a call that `built` has made ready."""
    return bytes.fromhex(str(transaction["data"]).removeprefix("0x"))


def next_nonce(rpc: Rpc, account: LocalAccount) -> int:
    """How many transactions of an account the newest block counts."""
    return int(newest_state(rpc, "eth_getTransactionCount", account.address), 16)


def built(account: LocalAccount, call: Call) -> dict[str, Any]:
    """A call ready to be signed, its gas estimated. Raises ContractReverted when it is refused."""
    sender: Any = {"from": account.address}
    with translated(name_of(call)):
        gas = call.estimate_gas(sender)
        return dict(call.build_transaction(sender | {"gas": gas * 3 // 2, "gasPrice": 0}))


def name_of(call: Call) -> str:
    """The function that a call calls."""
    return str(getattr(call, "fn_name", "constructor"))


def succeeded(rpc: Rpc, what: str, tx_hash: str) -> dict[str, Any]:
    """Wait for a receipt. Raises ChainFault when the transaction failed or none came in time."""
    receipt = wait_for_receipt(rpc, tx_hash)
    if int(receipt["status"], 16) != 1:
        raise ChainFault(f"{what}: transaction {tx_hash} was mined and failed")
    return receipt


def wait_for_receipt(rpc: Rpc, tx_hash: str, wait_s: float = _WAIT_S) -> dict[str, Any]:
    """Poll for a receipt. Raises ChainFault when none came in time."""
    deadline = time.monotonic() + wait_s
    while (receipt := rpc.call("eth_getTransactionReceipt", [tx_hash])) is None:
        if time.monotonic() > deadline:
            raise ChainFault(
                f"no receipt for {tx_hash} after {wait_s:.0f} s; is the chain stalled?"
            )
        time.sleep(_POLL_S)
    return dict(receipt)
