"""A feed's last line may count its rows, `#rows=123`: then it is complete by its own word."""

import re

TAIL_BYTES = 256
"""The trailer is found within a file's last bytes."""

_TRAILER = re.compile(rb"(?:\A|\n)#rows=([0-9]{1,15})[ \t\r\n]*\Z")


def rows_of_trailer(tail: bytes) -> int | None:
    """How many rows a file says that it has; None where it says nothing."""
    found = _TRAILER.search(tail)
    return None if found is None else int(found.group(1))
