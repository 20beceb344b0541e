"""A header's bloom: what the logs of its block may be about, in 2,048 bits.

What it does not name is in no log of the block; what it names may be there.
"""

from collections.abc import Iterable
from functools import lru_cache

from eth_utils.crypto import keccak


def may_name(bloom: int, number: int) -> bool:
    """Whether a log with this number as one of its topics may be in the block."""
    return may_hold(bloom, number.to_bytes(32))


def may_hold(bloom: int, octets: bytes) -> bool:
    """Whether a log of this address, or with this topic, may be in the block."""
    mask = _bits(octets)
    return bloom & mask == mask


def bloom_of(addresses_and_topics: Iterable[bytes]) -> int:
    """The bloom of logs: of their addresses and topics."""
    bloom = 0
    for octets in addresses_and_topics:
        bloom |= _bits(octets)
    return bloom


@lru_cache(maxsize=4096)
def _bits(octets: bytes) -> int:
    hashed = keccak(octets)
    bits = 0
    for place in (0, 2, 4):
        bits |= 1 << (int.from_bytes(hashed[place : place + 2]) & 2047)
    return bits
