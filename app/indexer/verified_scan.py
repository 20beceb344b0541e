"""Reading final blocks that validators sealed: an endpoint can be silent there, but not lie.

Every header is read: each follows the one before it, and a quorum of the validators sealed the
last. Headers say which blocks may hold events of ours: by their blooms, or where the engine leaves
those empty, by having receipts at all. Of those, all transactions and receipts are read and held
against the header's roots.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.posting import sealed_of
from app.domain.chunks import parts
from app.indexer.decode import Decoder
from app.indexer.errors import ShortAnswer
from app.indexer.postings import Posting
from app.indexer.refusal import refused
from app.indexer.scan import Cursor, Header, Range, RangeSize, block_request
from app.verify.bloom import may_hold
from app.verify.chain import Trusted, first_trusted, verify_chain
from app.verify.headers import Header as BlockHeader
from app.verify.headers import read_header
from app.verify.receipts import verified_logs
from app.verify.seals import Scheme, Sealed
from app.verify.transactions import verified_transactions
from app.verify.trie import EMPTY_ROOT

_MOST_BLOCKS = 1_000
_HEADERS_AT_A_TIME = 250
_TRANSACTIONS_A_REQUEST = 32

_Block = dict[str, Any]
_Log = dict[str, Any]
_Held = tuple[Sealed, list[str]]
"""A header, and the hashes of its block's transactions by the endpoint's word."""


class VerifiedScanner:
    """Reads a chain range by range; the size of ranges follows what they hold."""

    def __init__(
        self, rpc: Rpc, manifest: Manifest, scheme: Scheme, handled: Iterable[str]
    ) -> None:
        """`handled`: names of the events to read besides those of postings."""
        self._rpc = rpc
        self._scheme = scheme
        self._genesis = bytes.fromhex(manifest.genesis[2:])
        self._reconciliation = bytes.fromhex(manifest.addresses["Reconciliation"][2:])
        self._decoder = Decoder(manifest.addresses, handled)
        self._ours = frozenset(bytes.fromhex(one[2:]) for one in self._decoder.filter["address"])
        self._size = RangeSize(_MOST_BLOCKS)

    def head(self) -> int:
        """The newest block's number, by the endpoint's word."""
        with refused(self._rpc):
            return int(self._rpc.call("eth_blockNumber", []), 16)

    def read(self, before: Cursor, final: int) -> Range:
        """Read from the block after `before` as far as a good range goes, at most to `final`.

        Raises NotVerified, or what the endpoint raises.
        """
        trusted = self._trusted(before)
        return self._size.read(before.number + 1, final, lambda last: self._read(trusted, last))

    def _trusted(self, cursor: Cursor) -> Trusted:
        """The block at the cursor: as it was verified before, or followed from the chain's first
        one."""
        if cursor.hash is not None and cursor.validators is not None:
            return Trusted(cursor.number, cursor.hash, cursor.validators)
        with refused(self._rpc):
            genesis = read_header(self._blocks(0, 0)[0])
            trusted = first_trusted(self._scheme, genesis, self._genesis)
            while trusted.number < cursor.number:
                last = min(cursor.number, trusted.number + _HEADERS_AT_A_TIME)
                headers = map(read_header, self._blocks(trusted.number + 1, last))
                trusted = verify_chain(self._scheme, trusted, headers)[1]
            return trusted

    def _read(self, before: Trusted, last: int) -> Range:
        logs: list[_Log] = []
        details: dict[str, bytes] = {}
        with refused(self._rpc):
            blocks = self._blocks(before.number + 1, last)
            verified, trusted = verify_chain(self._scheme, before, map(read_header, blocks))
            held: list[_Held] = [
                (sealed, block["transactions"])
                for sealed, block in zip(verified, blocks, strict=True)
                if self._may_hold_ours(sealed.header)
            ]
            for part in parts(held, lambda one: len(one[1]), _TRANSACTIONS_A_REQUEST):
                self._read_bodies(part, logs, details)
        events = self._decoder.decode(logs)
        self._size.adapt(
            len(verified), sum(len(one.legs) for one in events if isinstance(one, Posting))
        )
        with_logs = {int(log["blockNumber"], 16) for log in logs}
        return Range(
            before.number + 1,
            _header(verified[-1]),
            events,
            {one.number: _header(one) for one, _ in held if one.number in with_logs},
            details,
            empty=not held,
            blooms=None,
            validators=trusted.set,
        )

    def _may_hold_ours(self, header: BlockHeader) -> bool:
        if header.receipts_root == EMPTY_ROOT:
            return False
        if not self._scheme.has_bloom:
            return True
        bloom = int.from_bytes(header.bloom)
        return any(may_hold(bloom, address) for address in self._ours)

    def _read_bodies(
        self, held: Sequence[_Held], logs: list[_Log], details: dict[str, bytes]
    ) -> None:
        """Add the logs of our contracts in these blocks, and the sealed details of postings."""
        requests: list[tuple[str, list[Any]]] = []
        for sealed, hashes in held:
            requests.append(("eth_getBlockByNumber", [hex(sealed.number), True]))
            requests += [("eth_getTransactionReceipt", [one]) for one in hashes]
        answers = iter(self._rpc.batch(requests))
        for sealed, hashes in held:
            whole = next(answers)
            receipts = [next(answers) for _ in hashes]
            if whole is None or None in receipts:
                raise ShortAnswer(
                    "the node has a block's header, but not all of the block",
                    where=f"block {sealed.number}",
                )
            transactions = verified_transactions(sealed.header, whole["transactions"])
            index = 0
            for transaction, found in zip(
                transactions, verified_logs(sealed.header, receipts), strict=True
            ):
                tx_hash = "0x" + transaction.hash.hex()
                if transaction.to == self._reconciliation:
                    details[tx_hash] = sealed_of(transaction.input)
                for log in found:
                    if log.address in self._ours and log.topics:
                        logs.append(log.as_answered(sealed.number, tx_hash, index))
                    index += 1

    def _blocks(self, first: int, last: int) -> list[_Block]:
        blocks: list[_Block] = []
        asked = range(first, last + 1)
        answers = self._rpc.batch([block_request(one) for one in asked])
        for number, answer in zip(asked, answers, strict=True):
            if answer is None:
                raise ShortAnswer(f"the node does not have block {number} that it spoke of before")
            blocks.append(answer)
        return blocks


def _header(sealed: Sealed) -> Header:
    header = sealed.header
    return Header(header.number, sealed.hash, header.parent, header.timestamp)
