"""What anvil's tracer saw of each mined transaction: many times its calldata, and nobody asks here.

No option turns the tracer off. But a transaction that anvil loads takes the place of the one that
it has: each is loaded as it was mined, with its receipt, and without what was traced.
"""

from __future__ import annotations

import json
from typing import Any

from ganache.rpc import Connection

_NOTHING_ELSE: dict[str, Any] = {"block": None, "best_block_number": None, "accounts": {}}
_LOG = ("address", "topics", "data")


def forget(chain: Connection, block: dict[str, Any]) -> None:
    """Let an anvil forget what it traced of a block, as `eth_getBlockByNumber` gives it with its
    transactions. Raises NoAnswer."""
    if not block["transactions"]:
        return
    receipts = chain.call("eth_getBlockReceipts", block["number"])
    if receipts is None or any(one["blockHash"] != block["hash"] for one in receipts):
        return  # somebody has taken it back meanwhile
    mined = [
        _mined(transaction, receipt)
        for transaction, receipt in zip(block["transactions"], receipts, strict=True)
    ]
    state = json.dumps({**_NOTHING_ELSE, "transactions": mined})
    chain.call("anvil_loadState", "0x" + state.encode().hex())


def _mined(transaction: dict[str, Any], receipt: dict[str, Any]) -> dict[str, Any]:
    """As anvil's dumps have it."""
    return {
        "info": {
            "transaction_hash": receipt["transactionHash"],
            "transaction_index": int(receipt["transactionIndex"], 16),
            "from": receipt["from"],
            "to": receipt["to"],
            "contract_address": receipt["contractAddress"],
            "traces": [],
            "exit": "Return" if receipt["status"] == "0x1" else "Revert",
            "out": None,
            "nonce": int(transaction["nonce"], 16),
            "gas_used": int(receipt["gasUsed"], 16),
        },
        "receipt": {
            "type": receipt["type"],
            "status": receipt["status"],
            "cumulativeGasUsed": receipt["cumulativeGasUsed"],
            "logs": [{name: log[name] for name in _LOG} for log in receipt["logs"]],
            "logsBloom": receipt["logsBloom"],
        },
        "block_hash": receipt["blockHash"],
        "block_number": int(receipt["blockNumber"], 16),
    }
