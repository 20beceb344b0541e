"""The transactions of a block, as its header commits to them by one root."""

from collections.abc import Mapping, Sequence
from typing import Any

import rlp
from eth_utils.crypto import keccak

from app.verify.errors import Unverified
from app.verify.headers import Header, big_endian
from app.verify.trie import ordered_root


def transaction_hashes(header: Header, transactions: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The hashes of a block's transactions, as `eth_getBlockByNumber` answers them whole.

    Raises Unverified unless they are all of the block's, in their order.
    """
    try:
        encoded = [_encode(one) for one in transactions]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as fault:
        raise Unverified(f"block {header.number}: no transaction ({fault!r})") from None
    if ordered_root(encoded) != header.transactions_root:
        raise Unverified(f"block {header.number}: the transactions are not those of the block")
    return [bytes(keccak(one)) for one in encoded]


def _encode(one: Mapping[str, Any]) -> bytes:
    kind = int(one.get("type") or "0x0", 16)
    call = [_octets(one["to"] or ""), _number(one["value"]), _octets(one["input"])]
    signature = [_number(one[name]) for name in ("v", "r", "s")]
    if kind == 0:
        head = [_number(one[name]) for name in ("nonce", "gasPrice", "gas")]
        encoded: bytes = rlp.encode([*head, *call, *signature])
        return encoded
    prices = {1: ("gasPrice",), 2: ("maxPriorityFeePerGas", "maxFeePerGas")}.get(kind)
    if prices is None:
        raise ValueError(f"transactions of type {kind} are not known")
    head = [_number(one[name]) for name in ("chainId", "nonce", *prices, "gas")]
    access = [
        [_octets(entry["address"]), [_octets(key) for key in entry["storageKeys"]]]
        for entry in one.get("accessList") or ()
    ]
    encoded = rlp.encode([*head, *call, access, *signature])
    return bytes((kind,)) + encoded


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(quantity: str) -> bytes:
    return big_endian(int(quantity, 16))
