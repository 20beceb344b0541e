"""A header's bloom: what the logs of its block may be about, in 2,048 bits.

What it does not name is in no log of the block; what it names may be there.
"""

from functools import lru_cache

from eth_utils.crypto import keccak


def may_name(bloom: int, number: int) -> bool:
    """Whether a log with this number as one of its topics may be in the block."""
    mask = _bits(number)
    return bloom & mask == mask


@lru_cache(maxsize=4096)
def _bits(number: int) -> int:
    hashed = keccak(number.to_bytes(32))
    bits = 0
    for place in (0, 2, 4):
        bits |= 1 << (int.from_bytes(hashed[place : place + 2]) & 2047)
    return bits
