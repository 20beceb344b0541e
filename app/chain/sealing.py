"""Details sealed to their readers, and reference keys sealed to the facility's members.

NaCl: a random key per batch (XSalsa20-Poly1305), wrapped for each reader in a sealed box under
its X25519 sealing key. The format is in docs/architecture.md, "Sealed details".
"""

import zlib
from collections.abc import Sequence
from typing import Any

import nacl.exceptions
import nacl.utils
import orjson
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox

_VERSION = 1
_WRAPPED_BYTES = 2 + SecretBox.KEY_SIZE + 48
_MOST_OPENED_BYTES = 64 * 1024 * 1024


def seal_details(details: Sequence[Sequence[Any]], readers: dict[int, bytes]) -> bytes:
    """Seal one batch's details to `readers` (member number to its X25519 public key)."""
    key = nacl.utils.random(SecretBox.KEY_SIZE)
    wrapped = b"".join(
        member.to_bytes(2) + SealedBox(PublicKey(public)).encrypt(key)
        for member, public in sorted(readers.items())
    )
    plain = zlib.compress(orjson.dumps(details), 6)
    return bytes([_VERSION, len(readers)]) + wrapped + SecretBox(key).encrypt(plain)


def open_details(sealed: bytes, member: int, secret: bytes) -> list[list[Any]] | None:
    """Open a batch's details; None when they are not for `member`, or are not well formed.

    Whoever posted them may have written anything there, so nothing in them is an error of ours.
    """
    if len(sealed) < 2 or sealed[0] != _VERSION:
        return None
    body = 2 + sealed[1] * _WRAPPED_BYTES
    for position in range(2, body, _WRAPPED_BYTES):
        if int.from_bytes(sealed[position : position + 2]) == member:
            wrapped = sealed[position + 2 : position + _WRAPPED_BYTES]
            break
    else:
        return None
    try:
        key = SealedBox(PrivateKey(secret)).decrypt(wrapped)
        packed = SecretBox(key).decrypt(sealed[body:])
        opener = zlib.decompressobj()
        plain = opener.decompress(packed, _MOST_OPENED_BYTES)
        details = orjson.loads(plain) if not opener.unconsumed_tail else None
    except (nacl.exceptions.CryptoError, ValueError, zlib.error):
        return None
    if not isinstance(details, list) or not all(isinstance(row, list) for row in details):
        return None
    return details


def seal_reference_key(reference_key: bytes, reader: bytes) -> bytes:
    """Seal a facility's reference key to one member's public sealing key."""
    return SealedBox(PublicKey(reader)).encrypt(reference_key)


def open_reference_key(sealed: bytes, secret: bytes) -> bytes | None:
    """Open a reference key sealed to us; None when it was not."""
    try:
        return SealedBox(PrivateKey(secret)).decrypt(sealed)
    except (nacl.exceptions.CryptoError, ValueError):
        return None
