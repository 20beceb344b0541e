"""References that the chain may know: keyed hashes, never the names themselves."""

from functools import lru_cache
from hashlib import sha256
from typing import Any

from eth_hash.auto import keccak

REFERENCE_BYTES = 20
"""Length of a leg's reference on the chain (the first 160 bits of the keyed hash)."""

_BLOCK = 64
"""Bytes that SHA-256 takes at a time."""


def reference(key: bytes, event_ref: str) -> bytes:
    """Hash `event_ref` under the facility's reference key: HMAC-SHA256, first 20 bytes."""
    # HMAC as RFC 2104 has it, by hand: hmac.digest looks its algorithm up, and hashes the key's two
    # blocks, for each leg anew.
    begun_inner, begun_outer = _begun(key)
    inner, outer = begun_inner.copy(), begun_outer.copy()
    inner.update(event_ref.encode())
    outer.update(inner.digest())
    digest: bytes = outer.digest()
    return digest[:REFERENCE_BYTES]


@lru_cache
def _begun(key: bytes) -> tuple[Any, Any]:
    """The inner and the outer hash of a key's HMACs, with its blocks in them."""
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return sha256(bytes(one ^ 0x36 for one in block)), sha256(bytes(one ^ 0x5C for one in block))


def pair_key(facility: int, partner: int, kind: int, ref: bytes, target: bytes = b"") -> int:
    """The key of a pair in Reconciliation. `target` of a reversal: its kind's byte and reference.

    facility (32) | partner (8) | kind (8) | reference (160); of a reversal facility (32) | partner
    (8) | hash of that and its target's word (216).
    """
    account = facility << 8 | partner
    key = account << 168 | kind << 160 | int.from_bytes(ref)
    if not target:
        return key
    word = target[:1] + bytes(11) + target[1:]
    return account << 216 | int.from_bytes(keccak(key.to_bytes(32) + word)) >> 40
