"""The blocks of a proof bundle, read from a chain's endpoint. What it answers is not believed: the
bundle is made from what its blocks come to."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from app.chain.rpc import Rpc
from app.domain.chunks import parts
from app.indexer.errors import ShortAnswer
from app.proof.events import FacilityEvents
from app.proof.file import Block
from app.proof.statement import SEALS, Terms, names_any
from app.readmodel.chain import blocks as blocks_with_events
from app.verify.errors import Unverified
from app.verify.headers import Header, encode_header, read_header
from app.verify.receipts import encode_receipts
from app.verify.transactions import encode_transactions
from app.verify.trie import EMPTY_ROOT, ordered_root

_BLOCKS_A_REQUEST = 250
_WHOLE_A_REQUEST = 16
_TRANSACTIONS_A_REQUEST = 64

_Wanted = tuple[Header, Sequence[str]]
"""A header, and the hashes of its block's transactions by the endpoint's word."""


def collect(rpc: Rpc, connection: Connection, terms: Terms, last: int) -> Iterator[Block]:
    """The blocks that prove a facility's history up to block `last`, in order.

    Every header is read, for votes on validators. `connection` is the node's database, which knows
    the blocks with events. Raises Unverified where it answers what is no chain, and what the
    endpoint raises.
    """
    scheme = SEALS[terms.seals]
    events = FacilityEvents(terms.contracts, terms.chain_id, terms.facility)
    known = set(
        connection.execute(
            select(blocks_with_events.c.number).where(blocks_with_events.c.number <= last)
        ).scalars()
    )

    def may_hold_ours(header: Header) -> bool:
        if not terms.every:
            return header.number in known
        return header.receipts_root != EMPTY_ROOT and (
            (scheme is not None and not scheme.has_bloom)
            or names_any(header, terms.contracts.values())
        )

    def is_needed(header: Header) -> bool:
        if terms.every or header.number in (0, last):
            return True
        return header.number in voting

    voting: set[int] = set()
    parent: bytes | None = None
    first = 1 if scheme is None else 0
    for begin in range(first, last + 1, _BLOCKS_A_REQUEST):
        numbers = range(begin, min(last + 1, begin + _BLOCKS_A_REQUEST))
        found = rpc.batch([("eth_getBlockByNumber", [hex(one), False]) for one in numbers])
        headers = [read_header(_present(one, "a block")) for one in found]
        for number, header in zip(numbers, headers, strict=True):
            if scheme is None:  # then all are in the bundle, which shows whether they are a chain
                continue
            # What is left out must be the chain's, too: else somebody could make us leave out more.
            sealed = scheme.read(header)
            if header.number != number or (parent is not None and header.parent != parent):
                raise Unverified(f"block {number} does not follow block {number - 1}")
            parent = sealed.hash
            if sealed.vote is not None:
                voting.add(number)
        hashes = [one["transactions"] for one in found]
        yield from _blocks(rpc, headers, hashes, may_hold_ours, is_needed, events, terms.every)


def _blocks(
    rpc: Rpc,
    headers: Sequence[Header],
    hashes: Sequence[Sequence[str]],
    may_hold_ours: Callable[[Header], bool],
    is_needed: Callable[[Header], bool],
    events: FacilityEvents,
    every: bool,
) -> Iterator[Block]:
    whole: dict[int, Block] = {}
    wanted = [
        (header, theirs)
        for header, theirs in zip(headers, hashes, strict=True)
        if may_hold_ours(header)
    ]
    # Each transaction may have 128 KiB.
    for some in parts(
        wanted, lambda one: len(one[1]), _TRANSACTIONS_A_REQUEST, most_items=_WHOLE_A_REQUEST
    ):
        for header, block in _whole(rpc, some):
            if every or events.concern(block.receipts or ()):
                whole[header.number] = block
            elif ordered_root(block.receipts or ()) != header.receipts_root:
                raise Unverified(f"block {header.number}: its receipts are not those of the block")
    for header in headers:
        if header.number in whole:
            yield whole[header.number]
        elif is_needed(header):
            yield Block(encode_header(header))


def _whole(rpc: Rpc, wanted: Iterable[_Wanted]) -> Iterator[tuple[Header, Block]]:
    requests: list[tuple[str, list[Any]]] = []
    for header, hashes in wanted:
        requests.append(("eth_getBlockByNumber", [hex(header.number), True]))
        requests += [("eth_getTransactionReceipt", [one]) for one in hashes]
    answers = iter(rpc.batch(requests))
    for header, hashes in wanted:
        full = _present(next(answers), "a block")
        receipts = [_present(next(answers), "a receipt") for _ in hashes]
        yield (
            header,
            Block(
                encode_header(header),
                encode_transactions(header, full["transactions"]),
                encode_receipts(receipts),
            ),
        )


def _present(answer: Any, what: str) -> Any:
    if answer is None:
        raise ShortAnswer(f"the node does not have {what} that it spoke of before")
    return answer
