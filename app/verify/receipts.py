"""The receipts of a block, as its header commits to them by one root."""

from collections.abc import Mapping, Sequence
from typing import Any

import rlp

from app.verify.bloom import bloom_of
from app.verify.trie import ordered_root

_BLOOM_BYTES = 256


def receipts_root(receipts: Sequence[Mapping[str, Any]]) -> bytes:
    """The root that a header must have for the answers of `eth_getTransactionReceipt`, all of a
    block's in their order.

    Raises ValueError where a receipt lacks a field or has one of no such form.
    """
    try:
        return ordered_root([_encode(receipt) for receipt in receipts])
    except (KeyError, TypeError, AttributeError, OverflowError) as fault:
        raise ValueError(f"not a receipt: {fault!r}") from None


def _encode(receipt: Mapping[str, Any]) -> bytes:
    logs = receipt["logs"]
    fields = [
        b"\1" if int(receipt["status"], 16) else b"",
        _big_endian(receipt["cumulativeGasUsed"]),
        # By its logs and not by its word for it.
        bloom_of(logs).to_bytes(_BLOOM_BYTES),
        [
            [_octets(log["address"]), [_octets(one) for one in log["topics"]], _octets(log["data"])]
            for log in logs
        ],
    ]
    kind = int(receipt.get("type") or "0x0", 16)
    encoded: bytes = rlp.encode(fields)
    return bytes((kind,)) + encoded if kind else encoded


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _big_endian(quantity: str) -> bytes:
    number = int(quantity, 16)
    return number.to_bytes((number.bit_length() + 7) // 8)
