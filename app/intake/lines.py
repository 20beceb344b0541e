"""Physical lines of a binary stream, in bounded memory however long they are."""

from collections.abc import Iterator
from typing import Literal, Protocol

MAX_ROW = 1 << 20
"""Most characters of one row; a longer one is quarantined unread."""

TOO_LONG = f"is longer than {MAX_ROW} characters"

_MAX_LINE_BYTES = 4 * MAX_ROW
"""No line with more bytes can have as few as MAX_ROW characters."""

_BLOCK_BYTES = 1 << 18


class ByteStream(Protocol):
    """A file or a received body: it can be read again from its start."""

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, whence: int = 0, /) -> int: ...


class Lines:
    """Lines without their LF, one by one; a CR before it stays.

    A line that is far too long for a row comes in pieces, each longer than MAX_ROW but the last.
    Bytes that are not UTF-8 are kept as surrogates (PEP 383); so are all bytes that are not ASCII
    where `encoding` says so, because the stream as a whole is not UTF-8.
    """

    def __init__(self, stream: ByteStream, encoding: Literal["utf-8", "ascii"] = "utf-8") -> None:
        self.number = 0
        """The number of the line that was taken last, from 1."""
        self.partial = False
        """Whether more of that line follows."""
        self.undecodable = False
        """Set when a line was not in the encoding; for the reader to clear."""
        self._encoding = encoding
        self._stream = stream
        self._ready: Iterator[bytes] = iter(())
        self._rest = b""
        self._ended = False
        self._returned: str | None = None

    def take(self) -> str | None:
        """The next line or piece; None at the end."""
        if self._returned is not None:
            line, self._returned = self._returned, None
            return line
        while True:
            for octets in self._ready:
                return self._hand_out(octets, partial=False)
            if self._ended:
                return None
            if piece := self._fill():
                return self._hand_out(piece, partial=True)

    def give_back(self, line: str) -> None:
        """Let `take` hand out the last line once more."""
        self._returned = line

    def _fill(self) -> bytes:
        """Read on; returns a piece of a line that is too long to be kept whole."""
        block = self._stream.read(_BLOCK_BYTES)
        if not block:
            self._ended = True
            # What stands after the last LF is a line, if anything does.
            self._ready = iter((self._rest,) if self._rest or self.partial else ())
            return b""
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        self._ready = iter(lines)
        if lines or len(self._rest) <= _MAX_LINE_BYTES:
            return b""
        piece, self._rest = self._rest, b""
        return piece

    def _hand_out(self, octets: bytes, *, partial: bool) -> str:
        if not self.partial:
            self.number += 1
        self.partial = partial
        try:
            return octets.decode(self._encoding)
        except UnicodeDecodeError:
            self.undecodable = True
            return octets.decode(self._encoding, "surrogateescape")
