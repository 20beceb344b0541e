"""Reading final blocks in ranges, so that a short or torn answer is noticed and never applied.

A range past a node's newest block answers short without a word. So a range's first and last header
come in the same request as its logs, the first must follow the block before it, and every log's
block hash must be its block's.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.chain.errors import ChainAnswer
from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.posting import sealed_of
from app.domain.chunks import chunks
from app.domain.errors import ChainUnreachable
from app.indexer.decode import Decoder, Event
from app.indexer.errors import Reorganised, ShortAnswer
from app.indexer.postings import Posting
from app.verify.validators import ValidatorSet

_LEG_BYTES_AIMED_AT = 500_000
_TRANSACTIONS_A_REQUEST = 64


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header, as far as we need it. `timestamp` in seconds since 1970 UTC."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last block that was read. Its hash and who may seal the next block are None where that is
    not known yet, or where nobody seals."""

    number: int
    hash: bytes | None
    validators: ValidatorSet | None


@dataclass(frozen=True, slots=True)
class Range:
    """All that blocks `first` to `last.number` say, whole."""

    first: int
    last: Header
    events: list[Event]
    headers: dict[int, Header]
    """Of the blocks that held events."""
    sealed: dict[str, bytes]
    """Transaction hash to the sealed details of its posting."""
    empty: bool
    """Whether it is one block without a transaction, so that nothing can be missing."""
    blooms: tuple[int, ...] | None
    """The headers' word on what all its logs are about (`verify.bloom`); None where not all of its
    headers were read."""
    validators: ValidatorSet | None = None
    """Who may seal the next block; None where nobody seals."""

    @property
    def cursor(self) -> Cursor:
        """Where the next range begins."""
        return Cursor(self.last.number, self.last.hash, self.validators)


@dataclass(slots=True)
class RangeSize:
    """How many blocks to read at once; it follows what they hold."""

    most: int = 5_000  # what Besu answers at most
    blocks: int = 8

    def adapt(self, blocks: int, leg_bytes: int) -> None:
        """So many bytes of legs were in so many blocks."""
        if leg_bytes > 2 * _LEG_BYTES_AIMED_AT:
            self.blocks = max(1, blocks * _LEG_BYTES_AIMED_AT // leg_bytes)
        elif leg_bytes < _LEG_BYTES_AIMED_AT // 2 and blocks >= self.blocks:
            self.blocks = min(self.most, self.blocks * 2)

    def read(self, first: int, final: int, read: Callable[[int], Range]) -> Range:
        """What `read` makes of the blocks from `first` on, given the last one to read, at most
        `final`; a range that the node refuses is tried smaller."""
        while True:
            last = min(final, first + self.blocks - 1)
            try:
                return read(last)
            except ChainAnswer:
                if last == first:
                    raise
                self._halve(last - first + 1)
            except ChainUnreachable:
                # Perhaps it is only too slow for so much; the next attempt asks for less.
                self._halve(last - first + 1)
                raise

    def _halve(self, blocks: int) -> None:
        self.blocks = max(1, blocks // 2)


class Scanner:
    """Reads a chain range by range; the size of ranges follows what they hold."""

    def __init__(
        self, rpc: Rpc, manifest: Manifest, finality_depth: int, handled: Iterable[str]
    ) -> None:
        """`handled`: names of the events to read besides those of postings."""
        self._rpc = rpc
        self._reconciliation = manifest.addresses["Reconciliation"].lower()
        self._decoder = Decoder(manifest.addresses, handled)
        self._finality_depth = finality_depth
        self._size = RangeSize()

    def look(self, number: int | None) -> tuple[int, Header | None]:
        """The newest final block's number, and the header of block `number` (None: not there)."""
        requests: list[tuple[str, list[Any]]] = [("eth_blockNumber", [])]
        if number is not None:
            requests.append(block_request(number))
        answers = self._rpc.batch(requests)
        final = int(answers[0], 16) - self._finality_depth
        found = answers[1] if number is not None else None
        return final, _header(found) if found is not None else None

    def header(self, number: int) -> Header | None:
        """A block's header; None when the node has no such block."""
        return self.look(number)[1]

    def read(self, before: Cursor, final: int) -> Range:
        """Read from the block after `before` as far as a good range goes, at most to `final`.

        Raises ShortAnswer, Reorganised, or what the endpoint raises.
        """
        first = before.number + 1
        return self._size.read(first, final, lambda last: self._read(first, last, before.hash))

    def _read(self, first: int, last: int, parent: bytes | None) -> Range:
        opening, closing, logs = self._rpc.batch(
            [
                block_request(first),
                block_request(last),
                (
                    "eth_getLogs",
                    [{"fromBlock": hex(first), "toBlock": hex(last), **self._decoder.filter}],
                ),
            ]
        )
        if opening is None or closing is None:
            raise ShortAnswer(f"the node does not have block {last} that it spoke of before")
        if parent is not None and _header(opening).parent != parent:
            raise Reorganised(f"block {first} does not follow the block {first - 1} that was read")
        events = self._decoder.decode(logs)
        end = _header(closing)
        headers = self._headers({int(log["blockNumber"], 16) for log in logs})
        for log in logs:
            number = int(log["blockNumber"], 16)
            if bytes.fromhex(log["blockHash"][2:]) != headers[number].hash:
                raise ShortAnswer(f"the logs are of another block {number} than the node has now")
        postings = [event for event in events if isinstance(event, Posting)]
        empty = first == last and not closing["transactions"] and not logs
        blooms = (_bloom(opening), _bloom(closing)) if last - first < 2 else None
        found = Range(first, end, events, headers, self._sealed(postings), empty, blooms)
        self._size.adapt(last - first + 1, sum(len(posting.legs) for posting in postings))
        return found

    def _headers(self, numbers: set[int]) -> dict[int, Header]:
        ordered = sorted(numbers)
        headers: dict[int, Header] = {}
        answers = self._rpc.batch([block_request(one) for one in ordered])
        for number, answer in zip(ordered, answers, strict=True):
            if answer is None:
                raise ShortAnswer(f"the node has logs of block {number}, but not the block")
            headers[number] = _header(answer)
        return headers

    def _sealed(self, postings: list[Posting]) -> dict[str, bytes]:
        hashes = list(dict.fromkeys(posting.tx_hash for posting in postings))
        sealed: dict[str, bytes] = {}
        for chunk in chunks(hashes, _TRANSACTIONS_A_REQUEST):
            answers = self._rpc.batch([("eth_getTransactionByHash", [one]) for one in chunk])
            for tx_hash, answer in zip(chunk, answers, strict=True):
                if answer is None:
                    raise ShortAnswer(
                        "the node has the logs of a transaction, but not the transaction",
                        where=tx_hash,
                    )
                sealed[tx_hash] = (
                    sealed_of(bytes.fromhex(answer["input"][2:]))
                    if (answer["to"] or "").lower() == self._reconciliation
                    else b""
                )
        return sealed


def block_request(number: int) -> tuple[str, list[Any]]:
    return ("eth_getBlockByNumber", [hex(number), False])


def _bloom(block: dict[str, Any]) -> int:
    return int(block["logsBloom"], 16)


def _header(block: dict[str, Any]) -> Header:
    return Header(
        number=int(block["number"], 16),
        hash=bytes.fromhex(block["hash"][2:]),
        parent=bytes.fromhex(block["parentHash"][2:]),
        timestamp=int(block["timestamp"], 16),
    )
