"""RLP of bytes and of lists of them, in time and memory that grow with the bytes alone.

The library's decoder copies what it has read of a list once more for each item of it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import rlp

_SHORT = 56
"""From this length on the length itself has bytes of its own."""
_DEEPEST = 8
"""Nothing that a chain writes into a header, transaction or receipt is in more lists than this."""


def encode(item: bytes | Sequence[Any]) -> bytes:
    """Bytes, or lists of bytes and of such lists."""
    encoded: bytes = rlp.encode(item, infer_serializer=False)
    return encoded


def decode(encoded: bytes) -> Any:
    """The bytes, or the list, of such an encoding. Raises ValueError for what is not in its
    shortest form, ends early, is followed by more, or is of too many lists in each other."""
    is_list, start, end = _span(encoded, 0, len(encoded))
    if end != len(encoded):
        raise ValueError(f"{len(encoded) - end:,} bytes follow it")
    return _item(encoded, is_list, start, end, 0)


def encoded_items(encoded: bytes) -> Iterator[bytes]:
    """Of each item of a list its encoding, one after the other. Raises ValueError as `decode`."""
    is_list, at, end = _span(encoded, 0, len(encoded))
    if not is_list or end != len(encoded):
        raise ValueError("it is no list, or bytes follow it")
    while at < end:
        _, _, after = _span(encoded, at, end)
        yield encoded[at:after]
        at = after


def _item(encoded: bytes, is_list: bool, start: int, end: int, depth: int) -> Any:
    if not is_list:
        return encoded[start:end]
    if depth == _DEEPEST:
        raise ValueError(f"more than {_DEEPEST} lists in each other")
    items = []
    while start < end:
        inner_is_list, inner, after = _span(encoded, start, end)
        items.append(_item(encoded, inner_is_list, inner, after, depth + 1))
        start = after
    return items


def _span(encoded: bytes, at: int, limit: int) -> tuple[bool, int, int]:
    """Whether an item is a list, and where its content begins and ends."""
    if at >= limit:
        raise ValueError("it ends early")
    first = encoded[at]
    if first < 0x80:
        return False, at, at + 1
    is_list = first >= 0xC0
    length = first - (0xC0 if is_list else 0x80)
    start = at + 1
    if length >= _SHORT:
        start += length - _SHORT + 1
        octets = encoded[at + 1 : start]
        length = int.from_bytes(octets)
        if octets[:1] == b"\0" or length < _SHORT:
            raise ValueError("a length is not in its shortest form")
    if start + length > limit:
        raise ValueError("it ends early")
    if not is_list and length == 1 and encoded[start] < 0x80:
        raise ValueError("a byte is not in its shortest form")
    return is_list, start, start + length
