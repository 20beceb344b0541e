"""A block's header, read from what a node answers, and its standard hash."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eth_utils.crypto import keccak

from app.verify.errors import Unverified
from app.verify.rlp_bytes import decode, encode

_LATER_FIELDS = (
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
)
"""What forks from London on have added, in this order, and whether it is a number."""
_MOST_FIELDS = 31
"""Of a header: those of today, and room for as many again."""


@dataclass(frozen=True, slots=True)
class Header:
    """All that a block's hash may be of. `timestamp` in seconds since 1970 UTC; `later`: the fields
    of forks from London on, as they are hashed."""

    parent: bytes
    uncles: bytes
    miner: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra: bytes
    mix: bytes
    nonce: bytes
    later: tuple[bytes, ...]


def read_header(block: Mapping[str, Any]) -> Header:
    """The header of a block of `eth_getBlockByNumber`.

    Raises Unverified where a field is missing or of no such form.
    """
    try:
        return Header(
            parent=_octets(block["parentHash"], 32),
            uncles=_octets(block["sha3Uncles"], 32),
            miner=_octets(block["miner"], 20),
            state_root=_octets(block["stateRoot"], 32),
            transactions_root=_octets(block["transactionsRoot"], 32),
            receipts_root=_octets(block["receiptsRoot"], 32),
            bloom=_octets(block["logsBloom"], 256),
            difficulty=_number(block["difficulty"]),
            number=_number(block["number"]),
            gas_limit=_number(block["gasLimit"]),
            gas_used=_number(block["gasUsed"]),
            timestamp=_number(block["timestamp"]),
            extra=bytes.fromhex(block["extraData"].removeprefix("0x")),
            mix=_octets(block["mixHash"], 32),
            nonce=_octets(block["nonce"], 8),
            later=tuple(
                big_endian(_number(block[name])) if is_number else _octets(block[name], 32)
                for name, is_number in _LATER_FIELDS
                if block.get(name) is not None
            ),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as fault:
        raise Unverified(f"the node answers what is no block's header: {fault!r}") from None


def encode_header(header: Header) -> bytes:
    """A header in RLP, as it is sent from node to node."""
    return encode((*common_fields(header), header.extra, header.mix, header.nonce, *header.later))


def decode_header(encoded: bytes) -> Header:
    """The header of such bytes. Raises Unverified where they are no header's shortest form."""
    try:
        parts = decode(encoded)
        if len(parts) > _MOST_FIELDS or not all(isinstance(one, bytes) for one in parts):
            raise ValueError("a field is a list, or there are too many")
        header = _of_fields(*parts)
        if encode_header(header) != encoded:
            raise ValueError("it is not in its shortest form")
    except (TypeError, ValueError) as fault:
        raise Unverified(f"no block's header: {fault}") from None
    return header


def _of_fields(
    parent: bytes,
    uncles: bytes,
    miner: bytes,
    state_root: bytes,
    transactions_root: bytes,
    receipts_root: bytes,
    bloom: bytes,
    difficulty: bytes,
    number: bytes,
    gas_limit: bytes,
    gas_used: bytes,
    timestamp: bytes,
    extra: bytes,
    mix: bytes,
    nonce: bytes,
    *later: bytes,
) -> Header:
    hashes = (parent, uncles, state_root, transactions_root, receipts_root, mix)
    numbers = (difficulty, number, gas_limit, gas_used, timestamp)
    if (
        any(len(one) != 32 for one in hashes)
        or (len(miner), len(bloom), len(nonce)) != (20, 256, 8)
        or any(len(one) > 8 for one in numbers)
    ):
        raise ValueError("a field is of another length")
    return Header(
        parent,
        uncles,
        miner,
        state_root,
        transactions_root,
        receipts_root,
        bloom,
        int.from_bytes(difficulty),
        int.from_bytes(number),
        int.from_bytes(gas_limit),
        int.from_bytes(gas_used),
        int.from_bytes(timestamp),
        extra,
        mix,
        nonce,
        later,
    )


def header_hash(header: Header, extra: bytes | None = None) -> bytes:
    """The standard hash of a header, with other `extra` data than its own where that is given."""
    return bytes(keccak(encode_header(header if extra is None else replace(header, extra=extra))))


def common_fields(header: Header) -> tuple[bytes, ...]:
    """What every engine's hash begins with, up to the timestamp."""
    return (
        header.parent,
        header.uncles,
        header.miner,
        header.state_root,
        header.transactions_root,
        header.receipts_root,
        header.bloom,
        big_endian(header.difficulty),
        big_endian(header.number),
        big_endian(header.gas_limit),
        big_endian(header.gas_used),
        big_endian(header.timestamp),
    )


def big_endian(number: int) -> bytes:
    """A number as RLP has it: without zeros before it."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def _octets(text: str, length: int) -> bytes:
    found = bytes.fromhex(text.removeprefix("0x"))
    if len(found) != length:
        raise ValueError(f"{len(found)} bytes where {length} belong")
    return found


def _number(quantity: str) -> int:
    number = int(quantity, 16)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"a number out of range: {number:#x}")
    return number
