"""Transactions that a bank signs itself: built, signed locally, sent, and awaited."""

import time
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from web3.contract.contract import ContractConstructor, ContractFunction

from app.chain.contracts import translated
from app.chain.rpc import Rpc
from app.domain.errors import ChainFault

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


def execute(
    rpc: Rpc, account: LocalAccount, call: ContractFunction | ContractConstructor
) -> dict[str, Any]:
    """Send one administrative call and wait for its receipt (postings go through the outbox).

    Raises ContractReverted with the custom error when the contract refuses.
    """
    what = getattr(call, "fn_name", "constructor")
    sender: Any = {"from": account.address}
    with translated(rpc, what):
        gas = call.estimate_gas(sender)
        built: dict[str, Any] = dict(
            call.build_transaction(sender | {"gas": gas * 3 // 2, "gasPrice": 0})
        )
    raw = sign(
        account,
        chain_id=int(rpc.call("eth_chainId", []), 16),
        nonce=int(rpc.call("eth_getTransactionCount", [account.address, "latest"]), 16),
        to=built.get("to"),
        data=bytes.fromhex(HexStr(str(built["data"])).removeprefix("0x")),
        gas=built["gas"],
    )
    tx_hash = rpc.call("eth_sendRawTransaction", ["0x" + raw.hex()])
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
