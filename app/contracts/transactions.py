"""Transactions that a bank signs itself: built, signed locally, sent, and awaited."""

import time
from typing import Any

from eth_account.signers.local import LocalAccount
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
    """A signed legacy transaction at gas price 0 (the consortium's chains are free of gas)."""
    transaction: dict[str, Any] = {
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "gasPrice": 0,
        "value": 0,
        "data": data,
    }
    if to is not None:
        transaction["to"] = to
    return bytes(account.sign_transaction(transaction).raw_transaction)


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
