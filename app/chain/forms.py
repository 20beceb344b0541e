"""Whether what a node answers has the form that JSON-RPC gives it, so that who asks can read it."""

from collections.abc import Callable
from typing import Any

MOST_BYTES = 256 << 20
"""Of an answer. A block of 200 million gas, all of it calldata of zeros, has 95 MiB in hex."""
_FEW_ITEMS = 1 << 16
_LEAST_ITEM_BYTES = 16
"""Of a block, transaction, receipt or log on the average; read in memory each takes 64."""
_MOST_NUMBER = (1 << 63) - 1
"""What databases hold; nothing that is read here comes to as much."""
_YEAR_10000 = 253_402_300_800
"""In seconds since 1970."""


def check_size(answer: bytes) -> None:
    """Raise ValueError for an answer that would take many times its bytes once it is read."""
    items = answer.count(b",") + answer.count(b"[") + answer.count(b"{")
    if items > _FEW_ITEMS + len(answer) // _LEAST_ITEM_BYTES:
        raise ValueError("an answer of more items than any has")


def check_form(method: str, answer: Any) -> None:
    """Raise ValueError for a result that is none of this method's."""
    check = _FORMS.get(method)
    if check is None:
        return
    try:
        check(answer)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ValueError(f"what no node answers to {method}") from None


def _quantity(answer: Any, most: int = _MOST_NUMBER) -> None:
    _require(isinstance(answer, str) and 0 <= int(answer, 16) <= most)


def _count(answer: Any) -> None:
    """Besu has none while it stores its newest block (`app.chain.newest`)."""
    if answer is not None:
        _quantity(answer)


def _octets(answer: Any, length: int | None = None) -> None:
    _require(answer.startswith("0x"))
    found = bytes.fromhex(answer[2:])
    _require(length is None or len(found) == length)


def _block(answer: Any) -> None:
    if answer is None:
        return
    _quantity(answer["number"])
    _quantity(answer["timestamp"], _YEAR_10000 - 1)
    for name in ("hash", "parentHash"):
        _octets(answer[name], 32)
    _octets(answer["logsBloom"], 256)
    _require(isinstance(answer["transactions"], list))
    for one in answer["transactions"]:
        if isinstance(one, str):
            _octets(one, 32)
        else:
            _transaction(one)


def _transaction(answer: Any) -> None:
    if answer is not None:
        _octets(answer["input"])
        _require(answer["to"] is None or isinstance(answer["to"], str))


def _receipt(answer: Any) -> None:
    if answer is None:
        return
    for name in ("status", "gasUsed", "blockNumber"):
        _quantity(answer[name])
    _require(isinstance(answer["logs"], list))


def _logs(answer: Any) -> None:
    _require(isinstance(answer, list))
    for one in answer:
        _octets(one["address"], 20)
        _octets(one["transactionHash"], 32)
        _octets(one["blockHash"], 32)
        _octets(one["data"])
        for name in ("blockNumber", "logIndex"):
            _quantity(one[name])
        for topic in one["topics"]:
            _octets(topic, 32)


def _require(is_so: bool) -> None:
    if not is_so:
        raise ValueError


_FORMS: dict[str, Callable[[Any], None]] = {
    "eth_blockNumber": _quantity,
    "eth_call": _octets,
    "eth_chainId": _quantity,
    "eth_getBlockByNumber": _block,
    "eth_getLogs": _logs,
    "eth_getTransactionByHash": _transaction,
    "eth_getTransactionCount": _count,
    "eth_getTransactionReceipt": _receipt,
}
