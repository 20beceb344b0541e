"""A feed's last line may count its rows, `#rows=123`: then it is complete by its own word."""

import os
import re

from app.intake.lines import ByteStream

_TAIL_BYTES = 256
"""The trailer is found within a file's last bytes."""

_TRAILER = re.compile(rb"(?:\A|\n)#rows=([0-9]{1,15})[ \t\r\n]*\Z")


def tail_of(stream: ByteStream) -> bytes:
    """The last bytes of a stream, where its trailer is."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _TAIL_BYTES))
    return stream.read(_TAIL_BYTES)


def rows_of_trailer(tail: bytes) -> int | None:
    """How many rows a file says that it has; None where it says nothing."""
    found = _TRAILER.search(tail)
    return None if found is None else int(found.group(1))
