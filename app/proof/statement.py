"""What a bundle states, worked out from its blocks: to make a bundle, and to check one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from app.domain.consortium import CONTRACTS
from app.indexer.collector import collector_paused
from app.indexer.errors import Incomplete
from app.indexer.project import UNREADABLE
from app.indexer.scan import Header as Place
from app.proof.derive import Derivation
from app.proof.events import FacilityEvents
from app.proof.file import Block
from app.verify.bloom import may_hold
from app.verify.bundle_chain import BundleChain
from app.verify.errors import Unverified
from app.verify.headers import Header, decode_header
from app.verify.seals import IBFT, QBFT, Scheme
from app.verify.trie import EMPTY_ROOT, ordered_root

FORMAT = "tallystick-proof-1"
SEALS: dict[str, Scheme | None] = {"none": None, "ibft": IBFT, "qbft": QBFT}
EVERY, CHOSEN = "all", "chosen"

_MOST_BRACES = 1 << 15
"""Of 255 partners' accounts and banks, and of what may stand in their names."""
_LEAST_LINE_BYTES = 60


@dataclass(frozen=True, slots=True)
class Terms:
    """What a bundle is of: the chain, its contracts, a facility and business dates (both
    included). `seals`: of SEALS. `every`: no block is left out."""

    chain_id: int
    genesis: str
    contracts: Mapping[str, str]
    seals: str
    every: bool
    facility: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Proved:
    """What a bundle's blocks come to. `statement`: canonical JSON."""

    statement: bytes
    facts: Mapping[str, Any]
    """The same, as it is written there."""
    validators: tuple[bytes, ...]
    """Those of the first block; none where nobody seals."""
    changes: int
    """How often the validators have changed up to the last block."""
    headers: int
    whole: int
    """How many blocks have their transactions and receipts in the bundle."""
    postings: int
    rejected: int
    """How many legs, and parts of legs, the contract rejected though they were no duplicates."""
    signatures: int
    """How many acts were each signed by their member's key of then."""
    stated: Mapping[int, str]
    """Partner to the last day (ISO) whose statement, which the contract held against its ledger,
    follows from the blocks."""
    references: Sequence[str]
    """Of each line, in their order: what stands for the event's name on the chain, hex."""


def prove(terms: Terms, blocks: Iterable[Block], trusted: frozenset[bytes] | None = None) -> Proved:
    """Work out what blocks in their order come to. `trusted`: the addresses that the first
    validators must be. Raises Unverified, which says which block is not so, and why."""
    try:
        with collector_paused():
            reading = _Reading(terms, trusted)
            for block in blocks:
                reading.take(block)
            return reading.proved()
    except Unverified:
        raise
    except Incomplete as fault:
        raise Unverified(f"{fault.where}: {fault.what}") from None
    except (*UNREADABLE, RecursionError, MemoryError) as fault:
        # The addresses may be of other contracts, which write anything.
        why = f"{type(fault).__name__}: {fault}"
        raise Unverified(f"its blocks hold what no contract of ours writes ({why})") from None


class _Reading:
    """Blocks on their way into what they prove."""

    def __init__(self, terms: Terms, trusted: frozenset[bytes] | None) -> None:
        self._terms = terms
        self._trusted = trusted
        self._scheme = SEALS[terms.seals]
        if trusted is not None and self._scheme is None:
            raise Unverified(
                "the blocks have no seals: validators that are trusted vouch for none of them"
            )
        self._chain = BundleChain(self._scheme, bytes.fromhex(terms.genesis[2:]), terms.every)
        self._events = FacilityEvents(terms.contracts, terms.chain_id, terms.facility)
        self._derivation = Derivation(terms.chain_id, terms.facility)
        self._validators: tuple[bytes, ...] = ()
        self._last: Place | None = None
        self._headers = self._whole = 0

    def take(self, block: Block) -> None:
        """The next block."""
        header = decode_header(block.header)
        hash_ = self._chain.take(header)
        place = self._last = Place(header.number, hash_, header.parent, header.timestamp)
        if not self._headers:
            self._begin()
        self._headers += 1
        if block.transactions is None or block.receipts is None:
            if self._terms.every:
                self._check_left_out(header)
            return
        self._whole += 1
        if ordered_root(block.transactions) != header.transactions_root:
            raise Unverified(f"block {header.number}: its transactions are not those of the block")
        if ordered_root(block.receipts) != header.receipts_root:
            raise Unverified(f"block {header.number}: its receipts are not those of the block")
        found = self._events.read(header.number, block.transactions, block.receipts)
        if found:
            self._derivation.take(place, found)

    def proved(self) -> Proved:
        """What the blocks that were taken come to."""
        terms, last, derivation = self._terms, self._last, self._derivation
        if last is None:
            raise Unverified("the bundle holds no block")
        facility = derivation.facility()
        if not self._events.is_founded:
            raise Unverified(
                "no block in the bundle founds the consortium: nothing names its contracts"
            )
        low, high = terms.first.toordinal(), terms.last.toordinal()
        period = derivation.period(low, high, self._events.names)
        facts = {
            "format": FORMAT,
            "chain_id": terms.chain_id,
            "genesis": terms.genesis,
            "contracts": dict(terms.contracts),
            "seals": terms.seals,
            "blocks": EVERY if terms.every else CHOSEN,
            "last": {
                "number": last.number,
                "hash": "0x" + last.hash.hex(),
                "time": last.timestamp,
            },
            "facility": facility,
            "from": terms.first.isoformat(),
            "to": terms.last.isoformat(),
            "details": "sealed",
            "acts": self._events.acts,
            "accounts": period.accounts,
            "banks": period.banks,
            "lines": period.lines,
        }
        return Proved(
            statement=orjson.dumps(facts, option=orjson.OPT_SORT_KEYS),
            facts=facts,
            validators=self._validators,
            changes=self._chain.changes,
            headers=self._headers,
            whole=self._whole,
            postings=derivation.postings,
            rejected=derivation.rejected,
            signatures=self._events.signatures,
            stated=derivation.stated,
            references=period.references,
        )

    def _begin(self) -> None:
        self._validators = tuple(sorted(self._chain.set.validators))
        if self._trusted is not None and self._trusted != self._chain.set.validators:
            raise Unverified(
                "the first block's validators are others than those that are trusted: "
                + ", ".join("0x" + one.hex() for one in self._validators)
            )

    def _check_left_out(self, header: Header) -> None:
        """A header alone is enough where it shows that nothing of ours is in its block."""
        if header.receipts_root == EMPTY_ROOT:
            return
        has_bloom = self._scheme is None or self._scheme.has_bloom
        if not has_bloom or names_any(header, self._terms.contracts.values()):
            raise Unverified(
                f"block {header.number} may hold events of the contracts, and only its header is "
                "here"
            )


def names_any(header: Header, addresses: Iterable[str]) -> bool:
    """Whether a block's bloom names one of these addresses."""
    bloom = int.from_bytes(header.bloom)
    return any(may_hold(bloom, bytes.fromhex(one[2:])) for one in addresses)


def read_terms(statement: bytes) -> Terms:
    """What a bundle says that it is of. Raises Unverified for what is no statement."""
    try:
        # Read in memory they take twenty times their bytes.
        if statement.count(b"{") > _MOST_BRACES or statement.count(b"[") > (
            _MOST_BRACES + len(statement) // _LEAST_LINE_BYTES
        ):
            raise ValueError("it has more objects or lists than a statement has")
        facts = orjson.loads(statement)
        if facts["format"] != FORMAT:
            raise ValueError(f"its format is {facts['format']!r}, and {FORMAT} is read here")
        contracts = facts["contracts"]
        if sorted(contracts) != sorted(CONTRACTS):
            raise ValueError("its contracts are not those of a consortium")
        if facts["seals"] not in SEALS or facts["blocks"] not in (EVERY, CHOSEN):
            raise ValueError("it does not say how its blocks are proved")
        if facts["seals"] == "none" and facts["blocks"] != EVERY:
            raise ValueError("blocks that nobody sealed must all be there")
        first, last = date.fromisoformat(facts["from"]), date.fromisoformat(facts["to"])
        if first > last:
            raise ValueError("its period ends before it begins")
        return Terms(
            _whole_number(facts["chain_id"]),
            _hex(facts["genesis"], 32),
            {name: _hex(contracts[name], 20) for name in sorted(contracts)},
            facts["seals"],
            facts["blocks"] == EVERY,
            _whole_number(facts["facility"]["number"]),
            first,
            last,
        )
    except (LookupError, TypeError, ValueError) as fault:
        raise Unverified(f"the statement cannot be read: {fault}") from None


def _whole_number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 63:
        raise ValueError(f"{value!r} is no number of that kind")
    return value


def _hex(text: Any, length: int) -> str:
    if not isinstance(text, str) or text != "0x" + bytes.fromhex(text[2:]).hex():
        raise ValueError(f"{text!r} is not lower-case hex")
    if len(text) != 2 + 2 * length:
        raise ValueError(f"{text!r} is not of {length} bytes")
    return text
