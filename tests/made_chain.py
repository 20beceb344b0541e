"""A chain of two banks' postings that is made in memory: events, transactions, receipts and headers
as the contracts and Besu's validators would have written them. Matches only, no contract runs."""

from __future__ import annotations

import hmac
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import coincurve
import rlp
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from app.contracts.abi import load_abi
from app.contracts.events import event_kinds
from app.contracts.posting import encode_post, next_digest
from app.domain.kinds import Kind
from app.domain.legs import Leg, pack
from app.keys.sealing import seal_details
from app.proof.file import Block
from app.proof.statement import Terms
from app.verify.bloom import bloom_of
from app.verify.headers import Header, encode_header, header_hash
from app.verify.trie import EMPTY_ROOT, ordered_root

CONTRACTS = {
    name: "0x" + (bytes([place + 1]) * 20).hex()
    for place, name in enumerate(
        ("ConsortiumRegistry", "DayClose", "FacilityRegistry", "Reconciliation", "ReserveLedger")
    )
}
CHAIN_ID = 20_261
FACILITY = 1
DAY = date(2026, 3, 2)
LEAD, PARTNER = 1, 2
_KEY = b"k" * 32
_VALIDATORS = [coincurve.PrivateKey(keccak(bytes([one]))) for one in range(1, 5)]
_BANKS = {one: coincurve.PrivateKey(keccak(bytes([one + 50]))) for one in (LEAD, PARTNER)}
_READERS = {one: keccak(bytes([one + 90])) for one in (LEAD, PARTNER, 3)}
_KINDS = (Kind.TOP_UP, Kind.WITHDRAWAL, Kind.RESERVE_INTEREST, Kind.SERVICE_FEE)


def address(key: coincurve.PrivateKey) -> bytes:
    return bytes(keccak(key.public_key.format(compressed=False)[1:])[12:])


@dataclass
class MadeChain:
    """Blocks from the first one; each call adds one. `named_by_chance`: references, ids, amounts
    and times are random digits; else they count up, as those of `tests/bench/feeds.py`."""

    named_by_chance: bool = False
    bank_name: str = "bank"
    blocks: list[Block] = field(default_factory=list)
    acts: int = 0
    versions: int = 1
    _parent: bytes = bytes(32)
    _heads: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def found(self) -> None:
        """Block 0, then the two members and their facility."""
        self._block([], [], seals=False)
        logs = [
            _log(
                "MemberAdmitted",
                member,
                f"{self.bank_name} {member}",
                member,
                _text(address(_BANKS[member])),
                _text(address(_BANKS[member])),
                bytes(32),
                _text(bytes(20)),
            )
            for member in (LEAD, PARTNER)
        ]
        logs.append(_founded())
        shares = {"principalBps": 8000, "interestBps": 8000, "feeBps": 8000}
        terms: tuple[Any, ...] = (
            "MADE", LEAD, "CNY", 2, "UTC", (0, 1, 1, 86_400, 0), (0, 0),
            [(PARTNER, tuple(shares.values()), 0, b"")], b"", [], 0, 0,
        )  # fmt: skip
        logs.append(_log("FacilityProposed", FACILITY, terms))
        self._block([_transaction(_BANKS[LEAD], 0, "FacilityRegistry", b"")], [logs])

    def post(
        self, member: int, first: int, count: int, rejected: Mapping[int, int] | None = None
    ) -> None:
        """A bank posts events `first` to `first + count - 1`, in a block of its own. `rejected`:
        place among them to the reason why the contract takes one not."""
        day = DAY.toordinal()
        legs = []
        details = []
        for number in range(first, first + count):
            kind = _KINDS[number % len(_KINDS)]
            amount, loan, minute = 100_000 + number, number % 5000, 0
            name = f"{number:08d}"
            if self.named_by_chance:
                event = random.Random(number)  # the same for both banks
                amount, loan = event.randrange(1, 10**9), event.randrange(10**7)
                minute, name = event.randrange(60), f"{event.randrange(10**10):010d}"
            ref = f"{kind.feed_name}-{name}"
            reference = hmac.digest(_KEY, ref.encode(), "sha256")[:20]
            legs.append(Leg(kind, 1, amount, day, day, 0, reference))
            booked = f"{DAY}T10:{minute:02d}:00+08:00"
            event_id = f"{'LP'[member - 1]}{name}"
            details.append([ref, None, event_id, booked, f"L{loan}", None, None])
        stream, words = pack(legs)
        sequence, digest = self._heads.get(member, (0, bytes(32)))
        sequence, digest = sequence + 1, next_digest(digest, stream)
        self._heads[member] = (sequence, digest)
        sealed = seal_details(details, _READERS)
        assert sealed is not None
        call = encode_post(FACILITY, sequence, stream, sealed)
        posted = _log("Posted", FACILITY, member, sequence, digest, stream)
        said = [
            _log("LegRejected", FACILITY, member, sequence, words[place], why)
            for place, why in (rejected or {}).items()
        ]
        transaction = _transaction(_BANKS[member], sequence, "Reconciliation", call)
        self._block([transaction], [[*said, posted]])

    def state_day(self, booked: int, open_legs: int = 0) -> None:
        """The lead states the day, with this much in each book, open amounts of 0 and so many open
        legs."""
        statement = (FACILITY, 1, DAY.toordinal(), 0, 0, 0, *[booked] * 6, 0, 0, 0, open_legs)
        proposed = _log("DayProposed", FACILITY, 1, DAY.toordinal(), LEAD, statement, [], bytes(32))
        self._block([_transaction(_BANKS[LEAD], 99, "DayClose", b"")], [[proposed]])

    def close_day(self) -> None:
        """Both banks have closed the day."""
        self._act("DayClose", ("DayClosed", FACILITY, 1, DAY.toordinal(), PARTNER, bytes(32)))

    def change_rules(self) -> None:
        """New rules took effect, from a later day."""
        self.versions += 1
        rules = (DAY.toordinal() + 40 + self.versions, 1, 1, 86_400, 0)
        self._act("FacilityRegistry", ("RulesTookEffect", FACILITY, 1, self.versions, rules))

    def void(self, number: int) -> None:
        """The lead's leg of an event, which the partner has not posted, is taken back by both."""
        kind = _KINDS[number % len(_KINDS)]
        name = f"{kind.feed_name}-{number:08d}"
        reference = int.from_bytes(hmac.digest(_KEY, name.encode(), "sha256")[:20])
        effect = -(100_000 + number) * (-1 if kind in (Kind.WITHDRAWAL, Kind.SERVICE_FEE) else 1)
        key = FACILITY << 176 | 1 << 168 | kind << 160 | reference
        asked = (
            FACILITY, 1, kind, reference, 0, 0, 4, 0, DAY.toordinal(), bytes(32), bytes(32),
        )  # fmt: skip
        proposed = _log("ResolutionProposed", FACILITY, 1, key, asked, LEAD, b"")
        self._block([_transaction(_BANKS[LEAD], 98, "Reconciliation", b"")], [[proposed]])
        self._act(
            "Reconciliation",
            ("ResolutionAccepted", FACILITY, 1, key, PARTNER, 4, effect, 0, 0, 0),
        )

    def _act(self, contract: str, event: tuple[Any, ...]) -> None:
        """An act by which something takes effect, numbered by the ledger."""
        self.acts += 1
        logs = [_log("ActNumbered", FACILITY, self.acts), _log(*event)]
        self._block([_transaction(_BANKS[PARTNER], 99, contract, b"")], [logs])

    def terms(self) -> Terms:
        genesis = self.blocks[0]
        return Terms(
            CHAIN_ID,
            "0x" + keccak(genesis.header).hex(),
            CONTRACTS,
            "qbft",
            every=False,
            facility=FACILITY,
            first=DAY,
            last=DAY,
        )

    def _block(
        self,
        transactions: Sequence[bytes],
        logs: Sequence[Sequence[Any]],
        *,
        seals: bool = True,
    ) -> None:
        receipts = [
            rlp.encode([b"\1", b"\1", _bloom(theirs).to_bytes(256), theirs]) for theirs in logs
        ]
        number = len(self.blocks)
        header = Header(
            parent=self._parent,
            uncles=bytes(keccak(rlp.encode([]))),
            miner=address(_VALIDATORS[number % 4]),
            state_root=bytes(keccak(b"state" + number.to_bytes(8))),
            transactions_root=ordered_root(transactions),
            receipts_root=ordered_root(receipts),
            bloom=_bloom([one for theirs in logs for one in theirs]).to_bytes(256),
            difficulty=1,
            number=number,
            gas_limit=200_000_000,
            gas_used=12_700_000,
            timestamp=1_772_000_000 + 2 * number,
            extra=b"",
            mix=bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"),
            nonce=bytes(8),
            later=(),
        )
        listed = sorted(map(address, _VALIDATORS))
        extra: list[Any] = [bytes(32), listed, [], b"", []]
        if seals:
            signed = header_hash(header, rlp.encode(extra))
            extra[4] = [one.sign_recoverable(signed, hasher=None) for one in _VALIDATORS[:3]]
        self._parent = header_hash(header, rlp.encode([*extra[:4], []]))
        encoded = encode_header(replace(header, extra=rlp.encode(extra)))
        if transactions:
            self.blocks.append(Block(encoded, transactions, receipts))
        else:
            assert header.receipts_root == EMPTY_ROOT
            self.blocks.append(Block(encoded))


def _text(octets: bytes) -> str:
    return "0x" + octets.hex()


def _transaction(key: coincurve.PrivateKey, nonce: int, contract: str, data: bytes) -> bytes:
    def number(value: int) -> bytes:
        return value.to_bytes((value.bit_length() + 7) // 8)

    to = bytes.fromhex(CONTRACTS[contract][2:])
    content = [number(nonce), b"", number(16_400_000), to, b"", data]
    signed = keccak(rlp.encode([*content, number(CHAIN_ID), b"", b""]))
    seal = key.sign_recoverable(signed, hasher=None)
    v = 35 + 2 * CHAIN_ID + seal[64]
    r, s = seal[:32].lstrip(b"\0"), seal[32:64].lstrip(b"\0")
    encoded: bytes = rlp.encode([*content, number(v), r, s])
    return encoded


def _log(name: str, *values: Any) -> list[Any]:
    kind = event_kinds()[name]
    [entry] = [
        one for one in load_abi(kind.contract) if one["type"] == "event" and one["name"] == name
    ]
    inputs = list(zip(entry["inputs"], values, strict=True))
    topics = [bytes.fromhex(kind.topic[2:])] + [
        encode([one["type"]], [value]) for one, value in inputs if one["indexed"]
    ]
    data = [(collapse_if_tuple(one), value) for one, value in inputs if not one["indexed"]]
    return [
        bytes.fromhex(CONTRACTS[kind.contract][2:]),
        topics,
        encode([type_ for type_, _ in data], [value for _, value in data]),
    ]


def _founded() -> list[Any]:
    """As the contract Founding says it of the five that it made."""
    order = (
        "ConsortiumRegistry",
        "FacilityRegistry",
        "ReserveLedger",
        "Reconciliation",
        "DayClose",
    )
    topic = keccak(b"Founded((address,address,address,address,address))")
    addresses = [bytes.fromhex(CONTRACTS[name][2:]).rjust(32, b"\0") for name in order]
    return [b"\xf0" * 20, [topic], b"".join(addresses)]


def _bloom(logs: Sequence[Any]) -> int:
    return bloom_of(octets for log in logs for octets in (log[0], *log[1]))
