"""Details sealed to their readers, and reference keys sealed to the facility's members.

NaCl: a random key per batch (XSalsa20-Poly1305), wrapped for each reader in a sealed box under
its X25519 sealing key. The format is in docs/wire-format.md, "Sealed details".
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from struct import Struct
from typing import Any

import nacl.exceptions
import nacl.utils
import orjson
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox

from app.domain.legs import MAX_PARTS

_VERSION = 1
_WRAPPED_BYTES = 2 + SecretBox.KEY_SIZE + 48
_MOST_READERS = 255
_GRANTED = Struct(">Q32s")
"""A batch's sequence and key, as a grant carries them."""

MAX_GRANTED_BATCHES = 1_800
"""As many keys fit into what the contract takes of one grant."""

MAX_PLAIN_BYTES = 4 * 1024 * 1024
"""Most bytes of a batch's details before they are compressed: nobody opens more."""
_PLAIN_FREE_BYTES = 64 * 1024
_PLAIN_PER_BYTE = 32
"""And nobody opens more than the former and for each byte on the chain the latter, of which real
details come to a quarter: else a poster pays for 4 kilobytes, and every reader unpacks a thousand
times that. Details that would be compressed further are padded."""

_MOST_MARKS = 16 * MAX_PARTS
"""More than the strings, commas and brackets of a batch's details: each leg has a list of 7 values.
Without it a few kilobytes would unpack to a million lists, at every reader."""


def seal_details(details: Sequence[Sequence[Any]], readers: Mapping[int, bytes]) -> bytes | None:
    """Seal one batch's details to `readers` (member number to its X25519 public key).

    None when they are too many to be sealed in one. A reader whose key is no key is left out:
    a member that registers rubbish must not stop the others' postings.
    """
    plain = orjson.dumps(details)
    if len(plain) > MAX_PLAIN_BYTES:
        return None
    key = nacl.utils.random(SecretBox.KEY_SIZE)
    wrapped = [
        member.to_bytes(2) + sealed
        for member, public in sorted(readers.items())
        if (sealed := _sealed(public, key)) is not None
    ][:_MOST_READERS]
    packed = zlib.compress(plain, 6).ljust(_least_packed(len(plain)), b"\0")
    return b"".join((bytes((_VERSION, len(wrapped))), *wrapped, SecretBox(key).encrypt(packed)))


def open_details(
    sealed: bytes, member: int, secrets: Iterable[bytes], most_bytes: int = MAX_PLAIN_BYTES
) -> list[list[Any]] | None:
    """Open a batch's details with the first of the member's sealing keys that fits; None when they
    are not for `member`, are not well formed, or are more than `most_bytes`.

    Whoever posted them may have written anything there, so nothing in them is an error of ours.
    """
    key = batch_key(sealed, member, secrets)
    return None if key is None else open_with_key(sealed, key, most_bytes)


def batch_key(sealed: bytes, member: int, secrets: Iterable[bytes]) -> bytes | None:
    """The key of a batch's details, as `open_details` finds it."""
    if len(sealed) < 2 or sealed[0] != _VERSION:
        return None
    for position in range(2, _body_of(sealed), _WRAPPED_BYTES):
        if int.from_bytes(sealed[position : position + 2]) == member:
            return _unsealed(sealed[position + 2 : position + _WRAPPED_BYTES], secrets)
    return None


def open_with_key(
    sealed: bytes, key: bytes, most_bytes: int = MAX_PLAIN_BYTES
) -> list[list[Any]] | None:
    """Open a batch's details with the batch's own key; None where that does not fit, they are not
    well formed, or they are more than `most_bytes`."""
    if len(sealed) < 2 or sealed[0] != _VERSION:
        return None
    try:
        packed = SecretBox(key).decrypt(sealed[_body_of(sealed) :])
        opener = zlib.decompressobj()
        most = min(most_bytes, _most_plain(len(packed)))
        plain = opener.decompress(packed, most + 1)
        if len(plain) > most or _has_too_many_values(plain):
            return None
        details = orjson.loads(plain)
    except (nacl.exceptions.CryptoError, ValueError, zlib.error):
        return None
    if not isinstance(details, list) or not all(isinstance(row, list) for row in details):
        return None
    return details


def seal_batch_keys(keys: Mapping[int, bytes], reader: bytes) -> bytes | None:
    """Seal batches' keys, by their sequences, to one member's public sealing key; None for no
    key."""
    return _sealed(reader, b"".join(_GRANTED.pack(*one) for one in sorted(keys.items())))


def open_batch_keys(sealed: bytes, secrets: Iterable[bytes]) -> dict[int, bytes]:
    """The batches' keys that were sealed to us, by sequence; none where they do not open, or are
    not well formed: whoever granted them may have written anything."""
    plain = _unsealed(sealed, secrets) or b""
    if len(plain) % _GRANTED.size:
        return {}
    return dict(_GRANTED.iter_unpack(plain))


def seal_reference_key(reference_key: bytes, reader: bytes) -> bytes | None:
    """Seal a facility's reference key to one member's public sealing key; None for no key."""
    return _sealed(reader, reference_key)


def open_reference_key(sealed: bytes, secrets: Iterable[bytes]) -> bytes | None:
    """Open a reference key sealed to us, to any of our sealing keys; None when it was not."""
    return _unsealed(sealed, secrets)


def _most_plain(packed: int) -> int:
    """Most bytes to which so many compressed ones are unpacked."""
    return min(MAX_PLAIN_BYTES, _PLAIN_FREE_BYTES + _PLAIN_PER_BYTE * packed)


def _least_packed(plain: int) -> int:
    """Fewest compressed bytes that are unpacked to so many."""
    return max(0, -(-(plain - _PLAIN_FREE_BYTES) // _PLAIN_PER_BYTE))


def _has_too_many_values(plain: bytes) -> bool:
    # Counted first, which costs nothing; texts may hold the same characters.
    if _marks(plain) <= _MOST_MARKS:
        return False
    # Without the backslashes and quotes that are escaped, the quotes that are left begin and end
    # texts.
    text = plain.replace(b"\\\\", b"").replace(b'\\"', b"")
    texts = text.count(b'"') // 2
    if texts > _MOST_MARKS:
        return True
    return texts + _marks(b"".join(text.split(b'"')[::2])) > _MOST_MARKS


def _marks(plain: bytes) -> int:
    """How many bytes there are that begin a value."""
    return sum(map(plain.count, (b"[", b"{", b",")))


def _body_of(sealed: bytes) -> int:
    """Where the readers' wrapped keys end."""
    return 2 + sealed[1] * _WRAPPED_BYTES


def _unsealed(sealed: bytes, secrets: Iterable[bytes]) -> bytes | None:
    for secret in secrets:
        with suppress(nacl.exceptions.CryptoError, ValueError):
            return SealedBox(PrivateKey(secret)).decrypt(sealed)
    return None


def _sealed(public: bytes, plain: bytes) -> bytes | None:
    try:
        return SealedBox(PublicKey(public)).encrypt(plain)
    except (nacl.exceptions.CryptoError, ValueError, TypeError, RuntimeError):
        # RuntimeError: a point of low order, with which nothing can be agreed.
        return None
