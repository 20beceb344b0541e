"""References that the chain may know: keyed hashes, never the names themselves."""

import hashlib
from functools import lru_cache

from eth_hash.auto import keccak

REFERENCE_BYTES = 20
"""Length of a leg's reference on the chain (the first 160 bits of the keyed hash)."""

_BLOCK_BYTES = 64
"""Of SHA-256."""

_LEG_BITS = 168
"""Of a pair's key, below its account: kind and reference."""
_REVERSAL_BITS = 216
"""The same of a reversal's key: a hash."""


def reference(key: bytes, event_ref: str) -> bytes:
    """Hash `event_ref` under the facility's reference key: HMAC-SHA256, first 20 bytes."""
    inner, outer = _begun(key)
    hashed, whole = inner.copy(), outer.copy()
    hashed.update(event_ref.encode())
    whole.update(hashed.digest())
    return whole.digest()[:REFERENCE_BYTES]


@lru_cache
def _begun(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """HMAC's inner and outer hash (RFC 2104), begun with the key: not for each leg anew. The
    library's objects have both in them, and take twice as long to copy."""
    if len(key) > _BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    block = key.ljust(_BLOCK_BYTES, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def pair_key(facility: int, partner: int, kind: int, ref: bytes, target: bytes = b"") -> int:
    """The key of a pair in Reconciliation. `target` of a reversal: its kind's byte and reference.

    facility (32) | partner (8) | kind (8) | reference (160); of a reversal facility (32) | partner
    (8) | hash of that and its target's word (216).
    """
    account = facility << 8 | partner
    key = account << _LEG_BITS | kind << 160 | int.from_bytes(ref)
    if not target:
        return key
    word = target[:1] + bytes(11) + target[1:]
    return account << _REVERSAL_BITS | int.from_bytes(keccak(key.to_bytes(32) + word)) >> 40


def account_of(key: int) -> tuple[int, int]:
    """The facility and the partner of a pair, by its key in Reconciliation."""
    # Facilities are numbered from 1, so that a reversal's account stands where no other's does.
    account = key >> _REVERSAL_BITS or key >> _LEG_BITS
    return account >> 8, account & 0xFF
