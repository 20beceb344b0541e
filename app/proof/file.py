"""The bundle's file: magic, SHA-256, and one zstd frame with RLP in it (docs/proof-bundle.md)."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import zstandard

from app.verify.errors import Unverified
from app.verify.rlp_bytes import decode, encode, encoded_items

MAGIC = b"TALLYSTICKPROOF1"
_DIGEST_BYTES = 32
_HEAD_BYTES = len(MAGIC) + _DIGEST_BYTES
_LEAST_ALIKE = 12
"""So many bytes of the magic must be there for a file to be taken for a bundle."""
MOST_MIB = 512
"""A small file may unpack to as much as it likes: more than this is unpacked only where it is
asked for. Enough for 1.5 million lines."""
_CHUNK_BYTES = 1 << 20
_LEAST_HEADER_BYTES, _MOST_HEADER_BYTES = 496, 1 << 17
"""Of the 15 fields, as short as they can be; and with the seals of some 800 validators."""
_LEAST_RECEIPT_BYTES = 264
"""Of status, gas, bloom and no log."""
_LEVEL = 9


class NoBundle(ValueError):
    """A file that is no proof bundle at all."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block's bytes, as the chain's hashes are of them. `transactions` and `receipts` are all of
    the block's, or None where only its header is there."""

    header: bytes
    transactions: Sequence[bytes] | None = None
    receipts: Sequence[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's two parts."""

    statement: bytes
    blocks: Sequence[Block]


def pack(bundle: Bundle) -> bytes:
    """The bundle's file."""
    content = encode([bundle.statement, [_parts(one) for one in bundle.blocks]])
    frame = zstandard.ZstdCompressor(level=_LEVEL).compress(content)
    return b"".join((MAGIC, hashlib.sha256(MAGIC + frame).digest(), frame))


def read(path: Path, most_mib: int = MOST_MIB) -> bytes:
    """A bundle's file, or what a pipe or device says. Raises NoBundle before more of it is read
    than its beginning, Unverified where it is larger than `most_mib`, and OSError."""
    with path.open("rb") as file:
        content = bytearray(file.read(_HEAD_BYTES))
        _check_head(content)
        size = os.fstat(file.fileno()).st_size
        while max(size, len(content)) <= most_mib << 20:
            chunk = file.read(_CHUNK_BYTES)
            if not chunk:
                return bytes(content)
            content += chunk
    raise Unverified(f"the file is larger than {most_mib:,} MiB; `--most-mib` raises that")


def _check_head(file: bytes | bytearray) -> None:
    alike = sum(a == b for a, b in zip(file, MAGIC, strict=False))
    if len(file) < _HEAD_BYTES or alike < _LEAST_ALIKE:
        raise NoBundle("it does not begin as a proof bundle does")


def unpack(file: bytes, most_mib: int = MOST_MIB) -> Bundle:
    """Read a bundle's file. Raises NoBundle, or Unverified for a bundle that was changed, or whose
    content is larger than `most_mib`."""
    _check_head(file)
    if file[: len(MAGIC)] != MAGIC:
        raise Unverified("the file was changed: its first 16 bytes are not a bundle's")
    frame = memoryview(file)[_HEAD_BYTES:]
    digest = hashlib.sha256(MAGIC)
    digest.update(frame)
    if digest.digest() != file[len(MAGIC) : _HEAD_BYTES]:
        raise Unverified("the file was changed: its SHA-256 is not the one that it states")
    try:
        size = zstandard.get_frame_parameters(frame).content_size
        if size > most_mib << 20:  # also where it states none
            raise Unverified(
                f"the file's content is larger than {most_mib:,} MiB, or of no stated size; "
                "`--most-mib` raises that"
            )
        decompressor = zstandard.ZstdDecompressor()
        content = decompressor.decompress(frame, allow_extra_data=False)
        encoded, blocks = encoded_items(content)
        statement = _octets(encoded)
        found = [_block(one) for one in encoded_items(blocks)]
    except Unverified:
        raise
    except (
        zstandard.ZstdError,
        TypeError,
        ValueError,
        MemoryError,
    ) as fault:
        raise Unverified(f"the file's content cannot be read: {fault}") from None
    return Bundle(statement, found)


def _parts(block: Block) -> list[object]:
    if block.transactions is None or block.receipts is None:
        return [block.header]
    return [block.header, list(block.transactions), list(block.receipts)]


def _block(encoded: bytes) -> Block:
    """One block, which is refused here where its parts are too short or too many for a chain's: a
    small file may unpack to millions of them."""
    parts = list(islice(encoded_items(encoded), 4))
    if len(parts) not in (1, 3):
        raise ValueError("a block is not of a header, or of header, transactions and receipts")
    header, *lists = parts
    if not _LEAST_HEADER_BYTES <= len(header) <= _MOST_HEADER_BYTES:
        raise ValueError("a block's header is none")
    if not lists:
        return Block(_octets(header))
    receipts = []
    for one in encoded_items(lists[1]):
        if len(one) < _LEAST_RECEIPT_BYTES:
            raise ValueError("a receipt is none")
        receipts.append(_octets(one))
    # No more of them are taken than there are receipts, each of which has its length.
    transactions = [_octets(one) for one in islice(encoded_items(lists[0]), len(receipts) + 1)]
    if len(transactions) != len(receipts):
        raise ValueError("a block has not one receipt for each transaction")
    return Block(_octets(header), transactions, receipts)


def _octets(encoded: bytes) -> bytes:
    item = decode(encoded)
    if not isinstance(item, bytes):
        raise ValueError("a list stands where bytes belong")
    return item
