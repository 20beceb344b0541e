"""RLP of bytes and of lists of them, without the library's search for what else there could be."""

from collections.abc import Sequence
from typing import Any

import rlp


def encode(item: bytes | Sequence[Any]) -> bytes:
    """Bytes, or lists of bytes and of such lists."""
    encoded: bytes = rlp.encode(item, infer_serializer=False)
    return encoded
