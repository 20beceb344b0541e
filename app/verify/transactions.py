"""The transactions of a block, as its header commits to them by one root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from app.verify.errors import Unverified
from app.verify.headers import Header, big_endian
from app.verify.rlp_bytes import decode, encode
from app.verify.signatures import signer
from app.verify.trie import ordered_root

_FIELDS = {0: 9, 1: 11, 2: 12}
"""How many fields a transaction of each known type has; its last three are the signature."""


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
    encoded = encode_transactions(header, transactions)
    if ordered_root(encoded) != header.transactions_root:
        raise Unverified(f"block {header.number}: the transactions are not those of the block")
    return [
        Transaction(bytes(keccak(raw)), _octets(one["to"] or ""), _octets(one["input"]))
        for raw, one in zip(encoded, transactions, strict=True)
    ]


def encode_transactions(header: Header, transactions: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The bytes that the header's root is of. Raises Unverified for what is no transaction."""
    try:
        return [encode_transaction(one) for one in transactions]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as fault:
        raise Unverified(f"block {header.number}: no transaction ({fault!r})") from None


@dataclass(frozen=True, slots=True)
class Signed:
    """Whose transaction it is, and to whom; `to` is empty where it makes a contract."""

    sender: bytes
    to: bytes


def signed_by(encoded: bytes, chain_id: int) -> Signed:
    """Read the bytes of a transaction that its signature is over.

    Raises Unverified where it is of no known type, is not of this chain, or is not signed.
    """
    kind = encoded[0] if encoded[:1] < b"\xc0" else 0
    try:
        fields = decode(encoded[1:] if kind else encoded)
        if len(fields) != _FIELDS[kind]:
            raise ValueError("another number of fields")
        *content, v, r, s = fields
        parity = int.from_bytes(v)
        to = fields[5 if kind == 2 else 4 if kind else 3]
        if kind:
            stated = int.from_bytes(fields[0])
            signed = bytes((kind,)) + encode(content)
        elif parity in (27, 28):
            stated, parity = chain_id, parity - 27
            signed = encode(content)
        else:
            stated, parity = divmod(parity - 35, 2)
            signed = encode([*content, big_endian(stated), b"", b""])
        if stated != chain_id:
            raise ValueError(f"it is of chain {stated}")
        seal = r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes((parity,))
        return Signed(signer(seal, keccak(signed)), to)
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as fault:
        raise Unverified(f"no transaction of this chain: {fault}") from None


def encode_transaction(one: Mapping[str, Any]) -> bytes:
    """Its signed bytes. Raises ValueError for one of no known type."""
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
