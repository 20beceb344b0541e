"""A node's newest block and the state after it, also while the node is still storing that block.

Besu (25.11 and 26.3, by their source and as seen under load) takes a block for its newest one
before the block is stored. In the milliseconds between it answers null for the block and for any
code or storage, and 0 for every account's count of transactions. Calls (`eth_call`) are right even
then. So an answer that says nothing is asked for again, at a block that the node has shown.
"""

import time
from typing import Any

from app.chain.errors import unreachable
from app.chain.rpc import Rpc
from app.domain.errors import ChainUnreachable

_POLL_S = 0.02
_STORED_WITHIN_S = 10.0


def newest_block(rpc: Rpc) -> dict[str, Any]:
    """The newest block, its transactions as hashes. Raises ChainUnreachable where the node shows
    none for seconds."""
    deadline = time.monotonic() + _STORED_WITHIN_S
    while (block := rpc.call("eth_getBlockByNumber", ["latest", False])) is None:
        if time.monotonic() > deadline:
            raise ChainUnreachable(
                "the node does not show its newest block",
                where=rpc.url,
                remedy="See its log and its disk, or name another one in `rpc`",
            )
        time.sleep(_POLL_S)
    return dict(block)


def newest_state(rpc: Rpc, method: str, *params: str) -> str:
    """What `eth_getTransactionCount`, `eth_getCode` or `eth_getStorageAt` says of the state after
    the newest block. Raises ChainUnreachable where that cannot be read."""
    return confirmed(rpc, rpc.call(method, [*params, "latest"]), method, *params)


def confirmed(rpc: Rpc, answer: object, method: str, *params: str) -> str:
    """An answer that was given already, as by `newest_state`: itself, or what the node says when it
    is asked again."""
    if isinstance(answer, str) and answer.strip("0x"):
        return answer
    again = rpc.call(method, [*params, newest_block(rpc)["number"]])
    if not isinstance(again, str):
        raise unreachable(rpc.url, ValueError("its answers cannot be read"))
    return again
