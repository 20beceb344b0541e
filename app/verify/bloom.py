"""A header's bloom: what the logs of its block may be about, in 2,048 bits.

What it does not name is in no log of the block; what it names may be there.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from eth_utils.crypto import keccak


def may_name(bloom: int, number: int) -> bool:
    """Whether a log with this number as one of its topics may be in the block."""
    mask = _bits(number.to_bytes(32))
    return bloom & mask == mask


def bloom_of(logs: Sequence[Mapping[str, Any]]) -> int:
    """The bloom of JSON-RPC logs: their addresses and topics."""
    bloom = 0
    for log in logs:
        for text in (log["address"], *log["topics"]):
            bloom |= _bits(bytes.fromhex(text.removeprefix("0x")))
    return bloom


@lru_cache(maxsize=4096)
def _bits(octets: bytes) -> int:
    hashed = keccak(octets)
    bits = 0
    for place in (0, 2, 4):
        bits |= 1 << (int.from_bytes(hashed[place : place + 2]) & 2047)
    return bits
