"""The receipts of a block, as its header commits to them by one root, and their logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.verify.bloom import bloom_of
from app.verify.errors import Unverified
from app.verify.headers import Header, big_endian
from app.verify.rlp_bytes import decode, encode, encoded_items
from app.verify.trie import ordered_root

_BLOOM_BYTES = 256
_ADDRESS_BYTES, _TOPIC_BYTES, _MOST_TOPICS = 20, 32, 4
_LIST = b"\xc0"
"""The first byte of a list in RLP is not less; that of a typed receipt is."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a transaction's receipt says of an event: bytes that the header's root covers."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes

    def as_answered(self, block: int, tx_hash: str, index: int) -> dict[str, Any]:
        """As `eth_getLogs` answers it; `index` among the block's logs."""
        return {
            "address": "0x" + self.address.hex(),
            "topics": ["0x" + topic.hex() for topic in self.topics],
            "data": "0x" + self.data.hex(),
            "blockNumber": hex(block),
            "transactionHash": tx_hash,
            "logIndex": hex(index),
        }


def receipts_root(receipts: Sequence[Mapping[str, Any]]) -> bytes:
    """The root that a header must have for the answers of `eth_getTransactionReceipt`, all of a
    block's in their order.

    Raises Unverified where a receipt lacks a field or has one of no such form.
    """
    return _root(receipts, [_logs(one) for one in receipts])


def verified_logs(header: Header, receipts: Sequence[Mapping[str, Any]]) -> list[tuple[Log, ...]]:
    """The logs of each of a block's transactions. Raises Unverified unless the receipts are all
    of the block's, in their order."""
    logs = [_logs(one) for one in receipts]
    if _root(receipts, logs) != header.receipts_root:
        raise Unverified(f"block {header.number}: the receipts are not those of the block")
    return logs


def encode_receipts(receipts: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The bytes that the header's root is of. Raises Unverified as `receipts_root`."""
    return _encoded(receipts, [_logs(one) for one in receipts])


def logs_of(encoded: bytes) -> tuple[Log, ...]:
    """The logs of such a receipt's bytes. Raises Unverified for what is no receipt."""
    try:
        _, _, _, logs = islice(encoded_items(encoded[1:] if encoded[:1] < _LIST else encoded), 5)
        return tuple(map(_log, encoded_items(logs)))
    except (TypeError, ValueError) as fault:
        raise Unverified(f"no receipt: {fault}") from None


def _log(encoded: bytes) -> Log:
    """One by one: a receipt may unpack to millions of what is no log."""
    address, topics, data = decode(encoded)
    if (
        not isinstance(address, bytes)
        or not isinstance(topics, list)
        or not isinstance(data, bytes)
        or len(address) != _ADDRESS_BYTES
        or len(topics) > _MOST_TOPICS
        or any(not isinstance(one, bytes) or len(one) != _TOPIC_BYTES for one in topics)
    ):
        raise ValueError("a log is not of an address, up to four topics, and data")
    return Log(address, tuple(topics), data)


def _root(receipts: Sequence[Mapping[str, Any]], logs: Sequence[tuple[Log, ...]]) -> bytes:
    return ordered_root(_encoded(receipts, logs))


def _encoded(receipts: Sequence[Mapping[str, Any]], logs: Sequence[tuple[Log, ...]]) -> list[bytes]:
    try:
        return [_encode(*one) for one in zip(receipts, logs, strict=True)]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as fault:
        raise Unverified(f"the node answers what is no receipt: {fault!r}") from None


def _logs(receipt: Mapping[str, Any]) -> tuple[Log, ...]:
    try:
        return tuple(
            Log(_octets(one["address"]), tuple(map(_octets, one["topics"])), _octets(one["data"]))
            for one in receipt["logs"]
        )
    except (KeyError, TypeError, AttributeError, ValueError) as fault:
        raise Unverified(f"the node answers what is no receipt: {fault!r}") from None


def _encode(receipt: Mapping[str, Any], logs: Sequence[Log]) -> bytes:
    fields = [
        b"\1" if int(receipt["status"], 16) else b"",
        big_endian(int(receipt["cumulativeGasUsed"], 16)),
        # By its logs and not by its word for it.
        bloom_of(octets for log in logs for octets in (log.address, *log.topics)).to_bytes(
            _BLOOM_BYTES
        ),
        [[log.address, log.topics, log.data] for log in logs],
    ]
    kind = int(receipt.get("type") or "0x0", 16)
    encoded = encode(fields)
    return bytes((kind,)) + encoded if kind else encoded


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
