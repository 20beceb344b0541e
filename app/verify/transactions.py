"""The transactions of a block, as its header commits to them by one root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from app.verify.errors import Unverified
from app.verify.headers import Header, big_endian
from app.verify.rlp_bytes import encode
from app.verify.trie import ordered_root


@dataclass(frozen=True, slots=True)
class Transaction:
    """What the header's root covers of a transaction. `to` is empty where it makes a contract."""

    hash: bytes
    to: bytes
    input: bytes


def verified_transactions(
    header: Header, transactions: Sequence[Mapping[str, Any]]
) -> list[Transaction]:
    """A block's transactions, from the whole ones that `eth_getBlockByNumber` answers.

    Raises Unverified unless they are all of the block's, in their order.
    """
    try:
        encoded = [_encode(one) for one in transactions]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as fault:
        raise Unverified(f"block {header.number}: no transaction ({fault!r})") from None
    if ordered_root(encoded) != header.transactions_root:
        raise Unverified(f"block {header.number}: the transactions are not those of the block")
    return [
        Transaction(bytes(keccak(raw)), _octets(one["to"] or ""), _octets(one["input"]))
        for raw, one in zip(encoded, transactions, strict=True)
    ]


def _encode(one: Mapping[str, Any]) -> bytes:
    kind = int(one.get("type") or "0x0", 16)
    call = [_octets(one["to"] or ""), _number(one["value"]), _octets(one["input"])]
    signature = [_number(one[name]) for name in ("v", "r", "s")]
    if kind == 0:
        head = [_number(one[name]) for name in ("nonce", "gasPrice", "gas")]
        encoded = encode([*head, *call, *signature])
        return encoded
    prices = {1: ("gasPrice",), 2: ("maxPriorityFeePerGas", "maxFeePerGas")}.get(kind)
    if prices is None:
        raise ValueError(f"transactions of type {kind} are not known")
    head = [_number(one[name]) for name in ("chainId", "nonce", *prices, "gas")]
    access = [
        [_octets(entry["address"]), [_octets(key) for key in entry["storageKeys"]]]
        for entry in one.get("accessList") or ()
    ]
    encoded = encode([*head, *call, access, *signature])
    return bytes((kind,)) + encoded


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(quantity: str) -> bytes:
    return big_endian(int(quantity, 16))
