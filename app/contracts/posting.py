"""A posting's calldata and running digest, built by hand: one call carries hundreds of words."""

from struct import Struct

from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.crypto import keccak

SELECTOR = function_signature_to_4byte_selector("post(uint32,uint64,bytes32[],bytes)")

_HEAD = Struct(">28xI24xQ")
_WORD = 32
_HEAD_BYTES = 4 * _WORD


def encode_post(facility: int, sequence: int, stream: bytes, sealed: bytes) -> bytes:
    """Calldata of `Reconciliation.post` for a stream of 32-byte words."""
    sealed_offset = _HEAD_BYTES + _WORD + len(stream)
    padding = b"\0" * (-len(sealed) % _WORD)
    return b"".join(
        (
            SELECTOR,
            _HEAD.pack(facility, sequence),
            _HEAD_BYTES.to_bytes(_WORD),
            sealed_offset.to_bytes(_WORD),
            (len(stream) // _WORD).to_bytes(_WORD),
            stream,
            len(sealed).to_bytes(_WORD),
            sealed,
            padding,
        )
    )


def sealed_of(calldata: bytes) -> bytes:
    """The sealed details of a posting's calldata; empty when it is not a `post` call."""
    if calldata[:4] != SELECTOR:
        return b""
    body = memoryview(calldata)[4:]
    offset = int.from_bytes(body[3 * _WORD : 4 * _WORD])
    length = int.from_bytes(body[offset : offset + _WORD])
    return bytes(body[offset + _WORD : offset + _WORD + length])


def stream_of(calldata: bytes) -> bytes:
    """The words of a posting's calldata; empty when it is not a `post` call."""
    if calldata[:4] != SELECTOR:
        return b""
    body = memoryview(calldata)[4:]
    offset = int.from_bytes(body[2 * _WORD : 3 * _WORD])
    words = int.from_bytes(body[offset : offset + _WORD])
    return bytes(body[offset + _WORD : offset + _WORD * (1 + words)])


def next_digest(previous: bytes, stream: bytes) -> bytes:
    """The contract's running digest after a posting: 24 bytes, kept left-aligned in 32."""
    return keccak(previous + keccak(stream))[:24] + bytes(8)
