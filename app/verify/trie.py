"""The root of a Merkle Patricia trie, as blocks have it over their receipts and transactions."""

from collections.abc import Sequence
from typing import Any

from eth_utils.crypto import keccak

from app.verify.rlp_bytes import encode

EMPTY_ROOT = bytes(keccak(encode(b"")))


def ordered_root(values: Sequence[bytes]) -> bytes:
    """The root of a trie that maps each value's place, RLP-encoded, to the value."""
    if not values:
        return EMPTY_ROOT
    items = [
        (_nibbles(encode(place.to_bytes((place.bit_length() + 7) // 8))), value)
        for place, value in enumerate(values)
    ]
    return bytes(keccak(encode(_node(sorted(items)))))


def _nibbles(key: bytes) -> tuple[int, ...]:
    return tuple(half for octet in key for half in (octet >> 4, octet & 15))


def _node(items: list[tuple[tuple[int, ...], bytes]]) -> Any:
    """The node of sorted (rest of the key, value) pairs with different keys; none is empty."""
    first, last = items[0][0], items[-1][0]
    if len(items) == 1:
        return [_path(first, is_leaf=True), items[0][1]]
    shared = 0
    while shared < len(first) and first[shared] == last[shared]:
        shared += 1
    if shared:
        below = [(key[shared:], value) for key, value in items]
        return [_path(first[:shared], is_leaf=False), _reference(_node(below))]
    branch: list[Any] = [b""] * 17
    if not first:
        branch[16], items = items[0][1], items[1:]
    for nibble in range(16):
        below = [(key[1:], value) for key, value in items if key[0] == nibble]
        if below:
            branch[nibble] = _reference(_node(below))
    return branch


def _reference(node: Any) -> Any:
    """A node within another: itself where it is short, else its hash."""
    encoded = encode(node)
    return node if len(encoded) < 32 else bytes(keccak(encoded))


def _path(nibbles: tuple[int, ...], *, is_leaf: bool) -> bytes:
    """Nibbles as bytes, with whether they are odd and end at a leaf in the first."""
    flag = 2 * is_leaf + len(nibbles) % 2
    whole = (flag, *nibbles) if len(nibbles) % 2 else (flag, 0, *nibbles)
    return bytes(whole[at] << 4 | whole[at + 1] for at in range(0, len(whole), 2))
