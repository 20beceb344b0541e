"""A second verifier of proof bundles, for auditors to read from top to bottom.

It shares no code with the application: it is written from docs/proof-bundle.md and
docs/wire-format.md alone, with the Python standard library and five well-known packages
(eth-abi, eth-keys, eth-utils, rlp, zstandard). It asks no network, no database and no key.

    python verify_bundle.py BUNDLE [--trust VALIDATORS.json] [--most-mib 512]

It ends with 0 when everything in the bundle verifies, 1 when something does not (and says where),
2 when the file is no proof bundle. The parts stand in the order of the checks:

    1 file    2 headers and seals    3 tries    4 transactions and events
    5 legs, pairs and books          6 the statement made anew, and compared
"""

import argparse
import hashlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import eth_abi.abi as abi
import rlp
import zstandard
from eth_keys.datatypes import Signature
from eth_utils.crypto import keccak

VERIFIED, NOT_VERIFIED, NO_BUNDLE = 0, 1, 2


class NotABundle(Exception):
    """The file is no proof bundle at all."""


class Refused(Exception):
    """Something in the bundle does not verify; the text says what and where."""


def refuse(text: str) -> NoReturn:
    raise Refused(text)


# 1. The file ---

MAGIC = b"TALLYSTICKPROOF1"
MOST_MIB = 512
"""A small file may unpack to as much as it likes: more than this only where it is asked for."""
LEAST_HEADER_BYTES, MOST_HEADER_BYTES, MOST_HEADER_FIELDS = 496, 1 << 17, 31
"""A header's 15 fields, as short as they can be; and with the seals of some 800 validators."""
LEAST_RECEIPT_BYTES = 264
"""Status, gas and bloom, and no log."""
MOST_BRACES, LEAST_LINE_BYTES = 1 << 15, 60
"""Of a statement: those of 255 partners and of their names; and how short a line can be."""
DEEPEST = 8
"""No chain writes more lists in each other into what is read here."""


def span(octets: bytes, at: int, limit: int) -> tuple[bool, int, int]:
    """Of the RLP item at a place: whether it is a list, where its content begins, and ends."""
    if at >= limit:
        raise ValueError("RLP that ends early")
    first = octets[at]
    if first < 0x80:
        return False, at, at + 1
    is_list, start = first >= 0xC0, at + 1
    length = first - (0xC0 if is_list else 0x80)
    if length > 55:
        start += length - 55
        length = number_of(octets[at + 1 : start])
        if length < 56 or not octets[at + 1]:
            raise ValueError("RLP that is not in its shortest form")
    if start + length > limit:
        raise ValueError("RLP that ends early")
    if not is_list and length == 1 and octets[start] < 0x80:
        raise ValueError("RLP that is not in its shortest form")
    return is_list, start, start + length


def decode(octets: bytes, depth: int = 0) -> Any:
    """Bytes, or lists of them. The package's own decoder takes hours for a list that is long."""
    is_list, at, end = span(octets, 0, len(octets))
    if end != len(octets):
        raise ValueError("RLP, and bytes behind it")
    if not is_list:
        return octets[at:end]
    if depth == DEEPEST:
        raise ValueError(f"RLP of more than {DEEPEST} lists in each other")
    return [decode(one, depth + 1) for one in parts_of(octets)]


def parts_of(octets: bytes) -> Iterator[bytes]:
    """The encodings of a list's items."""
    is_list, at, end = span(octets, 0, len(octets))
    if not is_list or end != len(octets):
        raise ValueError("RLP that is no list, or bytes behind it")
    while at < end:
        _, _, after = span(octets, at, end)
        yield octets[at:after]
        at = after


def read_block(octets: bytes) -> list[Any]:
    """A block's header, and its transactions and receipts where they are there.

    Each part is looked at before the next is unpacked: a small file may unpack to millions.
    """
    parts = list(islice(parts_of(octets), 4))
    if len(parts) not in (1, 3):
        refuse("the file: a block is not a header, or a header with its two lists")
    header, *lists = parts
    if not LEAST_HEADER_BYTES <= len(header) <= MOST_HEADER_BYTES:
        refuse("the file: a block's header is none")
    if not lists:
        return [text_of(header)]
    receipts = []
    for one in parts_of(lists[1]):
        if len(one) < LEAST_RECEIPT_BYTES:
            refuse("the file: a block's receipt is none")
        receipts.append(text_of(one))
    transactions = [text_of(one) for one in islice(parts_of(lists[0]), len(receipts) + 1)]
    if len(transactions) != len(receipts):
        refuse("the file: a block has not one receipt for each transaction")
    return [text_of(header), transactions, receipts]


def text_of(octets: bytes) -> bytes:
    """The bytes of an encoding that is of no list."""
    found = decode(octets)
    if not isinstance(found, bytes):
        refuse("the file: a list stands where bytes belong")
    return found


def check_beginning(content: bytes) -> None:
    alike = sum(a == b for a, b in zip(content, MAGIC, strict=False))
    if len(content) < 48 or alike < 12:
        raise NotABundle("it does not begin as a proof bundle does")


def read_file(content: bytes, most_mib: int = MOST_MIB) -> tuple[bytes, list[list[Any]]]:
    """The statement and the blocks of a bundle's file."""
    check_beginning(content)
    magic, stated, frame = content[:16], content[16:48], content[48:]
    if magic != MAGIC:
        refuse("the file: its first 16 bytes were changed")
    if hashlib.sha256(magic + frame).digest() != stated:
        refuse("the file: its SHA-256 is not the one that it states")
    if zstandard.get_frame_parameters(frame).content_size > most_mib << 20:
        refuse(f"the file: its content has no stated size, or more than {most_mib:,} MiB")
    unpacked = zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    statement, blocks = parts_of(unpacked)
    return text_of(statement), [read_block(one) for one in parts_of(blocks)]


# 2. Headers and seals ---

PARENT, MINER, TRANSACTIONS_ROOT, RECEIPTS_ROOT, BLOOM = 0, 2, 4, 5, 6
NUMBER, TIME, EXTRA, MIX, NONCE = 8, 11, 12, 13, 14
LENGTHS = {0: 32, 1: 32, 2: 20, 3: 32, 4: 32, 5: 32, 6: 256, 13: 32, 14: 8}
IBFT_MIX = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
EPOCH_BLOCKS = {"ibft": 100_000, "qbft": 30_000}


def address_of(signature: bytes, signed: bytes, what: str) -> bytes:
    """Whose key made a signature (r, s, and 0 or 1) over a hash."""
    try:
        key = Signature(signature).recover_public_key_from_msg_hash(signed)
    except Exception:
        refuse(f"{what} is no signature")
    return bytes(key.to_canonical_address())


def number_of(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


@dataclass
class Sealed:
    """What a header's extraData says, and the hash of the block."""

    hash: bytes
    listed: list[bytes]
    seals: list[bytes]
    signed: bytes
    """What each seal is over."""
    proposer: bytes
    """Empty for block 0."""
    subject: bytes
    """Whom the block's vote is about; empty without a vote."""
    adds: bool | None
    """None: IBFT does not say it under its hash."""


def read_seals(engine: str, header: list[bytes]) -> Sealed:
    number = number_of(header[NUMBER])
    if engine == "ibft":
        # The hash is of 13 fields, with the proposer's seal, the seals and the round left out.
        extra = header[EXTRA]
        listed, proposer_seal, seals, parent_seals, round_ = decode(extra[32:])
        bare = extra[:32] + rlp.encode([listed, b"", [], parent_seals, b""])
        hash_ = keccak(rlp.encode([*header[:EXTRA], bare]))
        if number and (header[MIX] != IBFT_MIX or header[NONCE] not in (bytes(8), b"\xff" * 8)):
            refuse(f"block {number}: its mixHash or nonce is none of IBFT")
        if len(round_) not in (0, 8) or len(extra) < 32 or len(header) != 15:
            refuse(f"block {number}: its extraData or its fields are not of their form")
        proposal = keccak(hash_ + round_) if round_ else hash_
        signed = keccak(keccak(proposal + b"\x02"))
        proposer = b""
        if number:
            proposer = address_of(proposer_seal, keccak(hash_), f"block {number}: its proposal")
        subject = header[MINER] if header[MINER] != bytes(20) else b""
        return Sealed(hash_, listed, seals, signed, proposer, subject, None)
    vanity, listed, vote, round_, seals = decode(header[EXTRA])
    if len(vanity) != 32 or not (vote == [] or (len(vote) == 2 and vote[1] in (b"", b"\xff"))):
        refuse(f"block {number}: its extraData is not of its form")

    def hash_with(round_: bytes) -> bytes:
        bare = rlp.encode([vanity, listed, vote, round_, []])
        return keccak(rlp.encode([*header[:EXTRA], bare, *header[EXTRA + 1 :]]))

    hash_ = hash_with(b"") if number else keccak(rlp.encode(header))
    subject, adds = (vote[0], vote[1] == b"\xff") if vote else (b"", None)
    return Sealed(hash_, listed, seals, hash_with(round_), header[MINER], subject, adds)


def quorum(engine: str, validators: int) -> int:
    """Two thirds, rounded up; IBFT with three or fewer: all."""
    return validators if engine == "ibft" and validators < 4 else -(-2 * validators // 3)


@dataclass
class Chain:
    """The blocks so far: each follows the one before it, and its validators have sealed it."""

    engine: str
    """ibft, qbft or none."""
    genesis: bytes
    every: bool
    trusted: set[bytes] | None
    number: int = -1
    hash: bytes = b""
    first: set[bytes] = field(default_factory=set)
    validators: set[bytes] = field(default_factory=set)
    votes: set[tuple[bytes, bytes]] = field(default_factory=set)
    """Open votes: (subject, voter)."""
    changes: int = 0

    def take(self, encoded: bytes) -> list[bytes]:
        """The next block's header, once it is known to be the chain's."""
        header: list[bytes] = decode(encoded)
        if (
            not 15 <= len(header) <= MOST_HEADER_FIELDS
            or not all(isinstance(one, bytes) for one in header)
            or any(len(header[place]) != length for place, length in LENGTHS.items())
            or any(header[place][:1] == b"\0" or len(header[place]) > 8 for place in range(7, 12))
        ):
            refuse(f"after block {self.number}: what stands there is no header")
        number = number_of(header[NUMBER])
        if self.engine == "none":
            self._follow(header, number, expected=1)
            hash_ = keccak(encoded)
        else:
            sealed = read_seals(self.engine, header)
            if self.number < 0:
                self._begin(sealed, number)
            else:
                self._follow(header, number, expected=self.number + 1)
                self._check_seals(sealed, number)
            hash_ = sealed.hash
        self.number, self.hash = number, hash_
        return header

    def _begin(self, sealed: Sealed, number: int) -> None:
        if number != 0 or sealed.hash != self.genesis:
            refuse("the first block is not block 0 with the genesis hash that is stated")
        self.validators = self.first = set(sealed.listed)
        if self.trusted is not None and self.trusted != self.first:
            names = ", ".join("0x" + one.hex() for one in sorted(self.first))
            refuse(f"block 0: its validators are others than those that you trust: {names}")

    def _follow(self, header: list[bytes], number: int, expected: int) -> None:
        before = max(self.number, 0)
        parent = self.hash if self.number >= 0 else self.genesis
        if number <= before:
            refuse(f"block {number} stands after block {before}")
        if self.number >= 0:
            expected = self.number + 1
        if number == expected:
            if header[PARENT] != parent:
                refuse(f"block {number} does not follow block {before}: its parent is another")
        elif self.every:
            refuse(f"block {expected} is missing before block {number}")

    def _check_seals(self, sealed: Sealed, number: int) -> None:
        before = set(self.validators)
        if self.engine == "qbft" and set(sealed.listed) != self.validators:
            # Besu's validators seal no list that the votes have not made.
            changed = set(sealed.listed) ^ self.validators
            if len(changed) != 1 or not self._outvoted(min(changed)):
                refuse(f"block {number} lists other validators than its votes have made")
            self._change(min(changed))
        if sealed.proposer not in self.validators:
            refuse(f"block {number} was proposed by 0x{sealed.proposer.hex()}, no validator of it")
        signers: set[bytes] = set()
        for seal in sealed.seals:
            signer = address_of(seal, sealed.signed, f"block {number}: one of its seals")
            if signer not in self.validators:
                refuse(f"block {number} has a seal of 0x{signer.hex()}, no validator of it")
            if signer in signers:
                refuse(f"block {number} has two seals of validator 0x{signer.hex()}")
            signers.add(signer)
        needed = quorum(self.engine, len(self.validators))
        if len(signers) < needed:
            refuse(f"block {number} has {len(signers)} seals, and {needed} are needed")
        epoch = EPOCH_BLOCKS[self.engine]
        if number // epoch > self.number // epoch:
            self.votes = set()
        if sealed.subject and not (self.engine == "ibft" and number % epoch == 0):
            self._vote(sealed)
        self.changes += self.validators != before

    def _vote(self, sealed: Sealed) -> None:
        is_validator = sealed.subject in self.validators
        vote = (sealed.subject, sealed.proposer)
        # IBFT does not hash what a vote means: who is in the set is dropped, who is not is added.
        if sealed.adds in (None, not is_validator):
            self.votes.add(vote)
        else:
            self.votes.discard(vote)
        if self.engine == "ibft" and self._outvoted(sealed.subject):
            self._change(sealed.subject)

    def _outvoted(self, subject: bytes) -> bool:
        return sum(one == subject for one, _ in self.votes) > len(self.validators) // 2

    def _change(self, subject: bytes) -> None:
        leaves = subject in self.validators
        self.validators = self.validators ^ {subject}
        self.votes = {
            (one, voter)
            for one, voter in self.votes
            if one != subject and not (leaves and voter == subject)
        }


# 3. Tries: the roots that a header has of its transactions and receipts ---


def ordered_root(values: Sequence[bytes]) -> bytes:
    """The root of the Merkle Patricia trie of a list: rlp(place) to value."""
    items = []
    for place, value in enumerate(values):
        key = rlp.encode(place)
        items.append(([nibble for octet in key for nibble in (octet >> 4, octet & 15)], value))
    node = _node(sorted(items))
    return keccak(node if isinstance(node, bytes) and not items else rlp.encode(node))


def _node(items: list[tuple[list[int], bytes]]) -> Any:
    """The node of these (path, value), as RLP has it."""
    if not items:
        return rlp.encode(b"")
    if len(items) == 1:
        path, value = items[0]
        return [_path(path, True), value]
    first, last = items[0][0], items[-1][0]
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    if shared:
        return [_path(first[:shared], False), _named(_node([(p[shared:], v) for p, v in items]))]
    branches = [
        _named(_node(below))
        if (below := [(p[1:], v) for p, v in items if p and p[0] == nibble])
        else b""
        for nibble in range(16)
    ]
    own = next((value for path, value in items if not path), b"")
    return [*branches, own]


def _named(node: Any) -> Any:
    """A node within another: itself where it is short, else its hash."""
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else keccak(encoded)


def _path(nibbles: list[int], is_leaf: bool) -> bytes:
    flag = 2 * is_leaf + len(nibbles) % 2
    whole = [flag, *nibbles] if len(nibbles) % 2 else [flag, 0, *nibbles]
    return bytes(a << 4 | b for a, b in zip(whole[::2], whole[1::2], strict=True))


EMPTY_ROOT = ordered_root([])


def may_be_in(bloom: bytes, octets: bytes) -> bool:
    """Whether a header's bloom leaves it open that a log of this address is in the block."""
    bits, hashed = number_of(bloom), keccak(octets)
    return all(bits >> (number_of(hashed[at : at + 2]) & 2047) & 1 for at in (0, 2, 4))


# 4. Transactions and events ---

TERMS = (
    "(string,uint16,string,uint8,string,(uint24,uint56,uint16,uint32,uint24),(uint16,uint16),"
    "(uint16,(uint16,uint16,uint16),int72,bytes)[],bytes,(uint16,bytes)[],uint8,uint24)"
)
RESOLUTION = "(uint32,uint8,uint8,uint160,uint8,uint160,uint8,uint8,uint24,bytes32,bytes32)"
STATEMENT = (
    "(uint32,uint8,uint24,int72,int72,int72,int80,int80,int80,int72,int72,int72,int72,int72,int72,"
    "uint40)"
)
# Contract, event: types of the indexed arguments, types of the others, and where among these the
# member stands whose approver key must have signed the transaction (None: nobody's).
EVENTS: dict[tuple[str, str], tuple[str, str, int | None]] = {
    ("ConsortiumRegistry", "MemberAdmitted"): (
        "uint16", "string,uint8,address,address,bytes32,address", None),
    ("ConsortiumRegistry", "MemberKeyReplaced"): ("uint16,uint8", "bytes32,bool", None),
    ("FacilityRegistry", "FacilityProposed"): ("uint32", TERMS, None),
    ("FacilityRegistry", "SharesTookEffect"): (
        "uint32,uint32", "uint16,uint24,(uint16,uint16,uint16)[]", None),
    ("FacilityRegistry", "RulesTookEffect"): (
        "uint32,uint32", "uint16,(uint24,uint56,uint16,uint32,uint24)", None),
    ("ReserveLedger", "ActNumbered"): ("uint32", "uint64", None),
    ("Reconciliation", "Posted"): ("uint32,uint16", "uint64,bytes32,bytes", None),
    ("Reconciliation", "LegRejected"): ("uint32,uint16", "uint64,uint16,uint8", None),
    ("Reconciliation", "PartSkipped"): ("uint32,uint16", "uint64,uint16,uint8,uint8", None),
    ("Reconciliation", "PairJudged"): ("uint32,uint16", "uint64,uint16,uint8,uint8,uint16", None),
    ("Reconciliation", "ResolutionProposed"): (
        "uint32,uint8,uint256", f"{RESOLUTION},uint16,bytes", 1),
    ("Reconciliation", "ResolutionAccepted"): (
        "uint32,uint8,uint256", "uint16,uint8,int72,int72,int72,int72", 0),
    ("Reconciliation", "ResolutionDisputed"): (
        "uint32,uint8,uint256", "uint16,bytes32,bytes", 0),
    ("Reconciliation", "ResolutionWithdrawn"): ("uint32,uint8,uint256", "uint16", 0),
    ("DayClose", "DayProposed"): (
        "uint32,uint8,uint24", f"uint16,{STATEMENT},uint256[],bytes32", 0),
    ("DayClose", "DayClosed"): ("uint32,uint8,uint24", "uint16,bytes32", 0),
    ("DayClose", "DayDisputed"): ("uint32,uint8,uint24", "uint16,bytes32,bytes32", 0),
    ("DayClose", "DayWithdrawn"): ("uint32,uint8,uint24", "uint16,bytes32", 0),
    ("DayClose", "ReopenProposed"): ("uint32,uint8,uint24", "uint16,bytes32", 0),
    ("DayClose", "DayReopened"): ("uint32,uint8,uint24", "uint16,uint24,bytes32", 0),
    ("DayClose", "ReopenWithdrawn"): ("uint32,uint8,uint24", "uint16", 0),
}  # fmt: skip
OPERATOR, APPROVER = 1, 2


def split_types(types: str) -> list[str]:
    """A list of ABI types apart at its outer commas."""
    found, depth = [""], 0
    for letter in types:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return found


CONTRACTS = {contract for contract, _ in EVENTS}
FOUNDED = keccak(b"Founded((address,address,address,address,address))")
AS_FOUNDED = (
    "ConsortiumRegistry", "FacilityRegistry", "ReserveLedger", "Reconciliation", "DayClose",
)  # fmt: skip
"""In the order in which the founding names them."""
TOPICS = {
    keccak(f"{name}({indexed},{others})".encode()): (contract, name)
    for (contract, name), (indexed, others, _) in EVENTS.items()
}


@dataclass(frozen=True)
class Event:
    contract: str
    name: str
    topics: list[int]
    """The indexed arguments."""
    data: Any
    """The others."""


def untyped(encoded: bytes) -> bytes:
    """A transaction or receipt without the byte of its type."""
    return encoded if encoded[:1] >= b"\xc0" else encoded[1:]


def items_of(encoded: bytes) -> Any:
    """The list in a transaction or receipt."""
    return decode(untyped(encoded))


def logs_of(receipt: bytes, where: str) -> list[Any]:
    """Address, topics and data of each of a receipt's logs."""
    _, _, _, encoded = islice(parts_of(untyped(receipt)), 5)
    logs = []
    for address, topics, data in map(decode, parts_of(encoded)):
        if (
            not all(isinstance(one, bytes) for one in (address, data, *topics))
            or not isinstance(topics, list)
            or (len(address), {len(one) for one in topics} - {32}) != (20, set())
            or len(topics) > 4
        ):
            refuse(f"{where}: a log is not of an address, up to four topics, and data")
        logs.append([address, topics, data])
    return logs


def sender_of(transaction: bytes, chain_id: int, where: str) -> tuple[bytes, bytes]:
    """Whose signature a transaction bears, and to whom it was sent."""
    kind = 0 if transaction[:1] >= b"\xc0" else transaction[0]
    *content, v, r, s = items_of(transaction)
    if len(content) != {0: 6, 1: 8, 2: 9}.get(kind):
        refuse(f"{where}: a transaction of no known type")
    parity = number_of(v)
    if kind:
        chain, signed = number_of(content[0]), bytes([kind]) + rlp.encode(content)
    elif parity in (27, 28):
        chain, parity, signed = chain_id, parity - 27, rlp.encode(content)
    else:
        chain, parity = divmod(parity - 35, 2)
        signed = rlp.encode([*content, chain, b"", b""])
    if chain != chain_id or parity not in (0, 1):
        refuse(f"{where}: a transaction of another chain")
    signature = r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([parity])
    sender = address_of(signature, keccak(signed), f"{where}: a transaction's signature")
    return sender, content[5 if kind == 2 else 4 if kind else 3]


class Events:
    """Reads whole blocks, and holds each act against its member's key of that time."""

    def __init__(self, contracts: dict[str, bytes], chain_id: int, facility: int) -> None:
        self.contracts = contracts
        self.reconciliation = contracts["Reconciliation"]
        self.chain_id, self.facility = chain_id, facility
        self.keys: dict[tuple[int, int], bytes] = {}
        self.names: dict[int, str] = {}
        self.signatures = self.acts = 0
        self.is_founded = False

    def read(
        self, number: int, transactions: list[bytes], receipts: list[bytes]
    ) -> Iterator[tuple[str, list[Event]]]:
        """The facility's events by transaction, with words for where that is."""
        if len(transactions) != len(receipts):
            refuse(f"block {number}: it has not a receipt for each transaction")
        for transaction, receipt in zip(transactions, receipts, strict=True):
            where = f"block {number}, transaction 0x{keccak(transaction).hex()}"
            found = []
            logs = logs_of(receipt, where)
            for address, topics, data in logs:
                event = self._event(address, topics, data)
                if event is None:
                    continue
                if event.contract == "ConsortiumRegistry":
                    if event.name == "MemberAdmitted" and event.topics == [1]:
                        self._note_founding(logs, transaction, where)
                    self._note_key(event)
                    continue
                if event.name == "ActNumbered":
                    if event.data != (self.acts + 1,):
                        refuse(
                            f"{where}: act {event.data[0]} of the facility follows act "
                            f"{self.acts}: what is between them is missing"
                        )
                    self.acts += 1
                    continue
                self._check_sender(event, transaction, where)
                found.append(event)
            if found:
                yield where, found

    def _event(self, address: bytes, topics: list[bytes], data: bytes) -> Event | None:
        known = TOPICS.get(topics[0]) if topics else None
        if known is None or self.contracts[known[0]] != address:
            return None
        contract, name = known
        numbers = [number_of(one) for one in topics[1:]]
        if contract != "ConsortiumRegistry" and numbers[:1] != [self.facility]:
            return None
        # Texts as the bytes that they are: nobody has looked at them.
        types = split_types(EVENTS[contract, name][1].replace("string", "bytes"))
        return Event(contract, name, numbers, abi.decode(types, data))

    def _note_founding(self, logs: list[Any], transaction: bytes, where: str) -> None:
        """Member 1 is admitted by the founding alone, which names the five contracts."""
        named = [data for _, topics, data in logs if topics == [FOUNDED]]
        if named != [b"".join(bytes(12) + self.contracts[name] for name in AS_FOUNDED)]:
            refuse(f"{where}: the founding names other contracts than the bundle")
        sender_of(transaction, self.chain_id, where)
        self.is_founded = True

    def _note_key(self, event: Event) -> None:
        member = event.topics[0]
        if event.name == "MemberAdmitted":
            self.names[member] = printable(event.data[0].decode("utf-8", "replace"))
            self.keys[member, OPERATOR] = bytes.fromhex(event.data[2][2:])
            self.keys[member, APPROVER] = bytes.fromhex(event.data[3][2:])
        else:
            self.keys[member, event.topics[1]] = event.data[0][12:]

    def _check_sender(self, event: Event, transaction: bytes, where: str) -> None:
        place = EVENTS[event.contract, event.name][2]
        if event.name == "Posted":
            member, purpose = event.topics[1], OPERATOR
        elif place is not None:
            member, purpose = event.data[place], APPROVER
        else:
            return
        sender, to = sender_of(transaction, self.chain_id, where)
        if sender != self.keys.get((member, purpose)):
            word = "operator" if purpose == OPERATOR else "approver"
            refuse(
                f"{where}: {event.name} was signed by 0x{sender.hex()}, which is not member "
                f"{member}'s {word} key of that time"
            )
        if event.name == "Posted" and to != self.reconciliation:
            refuse(f"{where}: Posted, and it was not sent to Reconciliation")
        self.signatures += 1


# 5. Legs, pairs and books ---

KINDS = (
    "", "drawdown", "principal", "interest", "penalty", "fee", "top_up", "reserve_interest",
    "other_in", "withdrawal", "service_fee", "other_out", "reversal", "correction",
)  # fmt: skip
REVERSAL, CORRECTION = 12, 13
OUTGOING = (1, 9, 10, 11)
COMPONENTS = {1: 0, 2: 0, 3: 1, 4: 1, 5: 2}
"""Of the kinds whose amount is split: which of the three shares does it."""
STATUSES = {2: "within_tolerance", 3: "amount", 4: "date", 5: "amount_and_date"}
TYPES = (
    "matched", "within_tolerance", "amount", "date", "amount_and_date", "missing_at_partner",
    "missing_at_lead", "duplicate_at_lead", "duplicate_at_partner",
)  # fmt: skip
SETTLED = ("matched", "within_tolerance")
ACTIONS = {1: "adjust", 2: "write_off", 3: "force", 4: "void"}
DUPLICATE = 1
LEAD, PARTNER, AGREED = 0, 1, 2
"""The two sides of a pair, and the three books of an account."""

Key = tuple[int, int, int, int]
"""What tells a pair from others of its account: kind, reference, and a reversal's target."""


@dataclass(frozen=True)
class Leg:
    word: int
    kind: int
    is_declared_duplicate: bool
    partner: int
    value_day: int
    amount: int
    reference: int
    business_day: int
    shares_day: int
    target: tuple[int, int] = (0, 0)

    @property
    def key(self) -> Key:
        return (self.kind, self.reference, *self.target)


@dataclass(frozen=True)
class Half:
    amount: int
    value_day: int
    business_day: int
    book_day: int
    """On which the movement is recorded."""
    sequence: int
    word: int


@dataclass
class Pair:
    key: Key
    halves: list[Half | None]
    """The lead's and the partner's."""
    status: str = "open"
    action: str = ""
    resolved_side: int | None = None
    """Whose half a resolution corrected or made."""
    agreed_day: int | None = None

    @property
    def sign(self) -> int:
        """By its effect on the reserve; a reversal's is the opposite of its target's."""
        kind, _, target, _ = self.key
        sign = -1 if (target or kind) in OUTGOING else 1
        return -sign if kind == REVERSAL else sign

    @property
    def effects(self) -> tuple[int, int]:
        lead, partner = (self.sign * one.amount if one else 0 for one in self.halves)
        return lead, partner

    @property
    def type(self) -> str:
        if self.status != "open":
            return self.status
        return "missing_at_lead" if self.halves[LEAD] is None else "missing_at_partner"

    def amount_to_reverse(self, side: int) -> int:
        """What a reversal of a side takes back; 0 where there is nothing."""
        if self.action == "void":
            return 0
        # What a resolution corrected or made is like the other half.
        half = self.halves[1 - side if self.action and side == self.resolved_side else side]
        return half.amount if half else 0


@dataclass
class Resolution:
    number: int
    pair: Pair
    action: str
    side: int | None
    business_day: int
    moved: tuple[int, int] = (0, 0)
    moved_kind: int = CORRECTION
    day: int = 0


@dataclass
class Account:
    pairs: dict[Key, Pair] = field(default_factory=dict)
    """In the order in which they were first seen."""
    moved: defaultdict[tuple[int, int], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0, 0])
    )
    """By day and kind, in the three books."""
    duplicates: list[tuple[int, str]] = field(default_factory=list)
    """Of each duplicate leg: business day and type."""
    accepted: list[Resolution] = field(default_factory=list)
    closed_through: int = 0

    def open_day(self, day: int) -> int:
        return max(day, self.closed_through + 1)


def legs_of(stream: bytes, where: str) -> Iterator[Leg]:
    """Read a posting's words (docs/wire-format.md, "A posting")."""
    if len(stream) % 32:
        refuse(f"{where}: its legs end within a word")
    words = [stream[at : at + 32] for at in range(0, len(stream), 32)]
    business_day = shares_day = at = 0
    while at < len(words):
        word = words[at]
        kind = word[0] & 0x7F
        if word[0] == 0:
            business_day, shares_day = number_of(word[2:5]), number_of(word[5:8])
            at += 1
            continue
        target = (0, 0)
        if kind == REVERSAL:
            if at + 1 == len(words):
                refuse(f"{where}: its legs end before a reversal's target")
            target = (words[at + 1][0], number_of(words[at + 1][12:]))
        yield Leg(
            at, kind, bool(word[0] & 0x80), word[1], number_of(word[2:5]), number_of(word[5:12]),
            number_of(word[12:]), business_day, shares_day, target,
        )  # fmt: skip
        at += 2 if kind == REVERSAL else 1


class Facility:
    """What the facility's events come to, one after the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.terms: Any = None
        self.shares: list[tuple[int, int, list[tuple[int, int, int]]]] = []
        """Version, first day, and of each partner its three shares in basis points."""
        self.rules: list[tuple[int, int, int, int]] = []
        """Version, first day, amount tolerance, date window in days."""
        self.parties: dict[int, int] = {}
        """Member to partner number; 0 is the lead."""
        self.accounts: dict[int, Account] = {}
        self.digests: dict[int, list[bytes]] = {}
        """Of each member: the running digest after each of its postings; the first is none."""
        self.waiting: dict[int, Resolution] = {}
        """Proposed resolutions, by the contract's key of their pair."""
        self.proposals = 0
        self.postings = 0
        self.rejected = 0
        """Legs and parts of legs that the contract rejected, and that were no duplicates."""

    def take(self, event: Event, said: list[Event], where: str) -> None:
        """Take an event; `said` are those before it in its transaction."""
        name, topics, data = event.name, event.topics, event.data
        if name in ("LegRejected", "PartSkipped", "PairJudged"):
            return
        if name == "FacilityProposed":
            self._propose(data[0])
            return
        if self.terms is None:
            refuse(f"{where}: {name}, and no event has proposed the facility")
        if name == "SharesTookEffect":
            version, first_day, shares = data
            self.shares.append((version, first_day, list(shares)))
        elif name == "RulesTookEffect":
            version, (first_day, tolerance, window, _, _) = data
            self.rules.append((version, first_day, tolerance, window))
        elif name == "Posted":
            self._post(topics[1], data, said, where)
        elif name == "DayClosed":
            self.accounts[topics[1]].closed_through = topics[2]
        elif name == "DayReopened":
            self.accounts[topics[1]].closed_through = data[1]
        elif name == "ResolutionProposed":
            self._propose_resolution(topics, data[0], where)
        elif name in ("ResolutionDisputed", "ResolutionWithdrawn"):
            if self.waiting.pop(topics[2], None) is None:
                refuse(f"{where}: {name} of what nobody has proposed")
        elif name == "ResolutionAccepted":
            self._accept_resolution(topics, data, where)

    def _propose(self, terms: Any) -> None:
        self.terms = terms
        partners = terms[7]
        self.shares = [(1, 0, [one[1] for one in partners])]
        first_day, tolerance, window, _, _ = terms[5]
        self.rules = [(1, first_day, tolerance, window)]
        self.parties = {one[0]: place for place, one in enumerate(partners, 1)} | {terms[1]: 0}
        self.accounts = {place: Account() for place in range(1, len(partners) + 1)}
        self.digests = {member: [bytes(32)] for member in self.parties}

    @staticmethod
    def _in_force(versions: list[Any], day: int) -> Any:
        return [one for one in versions if one[1] <= day][-1]

    def _post(self, member: int, data: Any, said: list[Event], where: str) -> None:
        sequence, digest, stream = data
        where = f"{where}, posting {sequence} of member {member}"
        if member not in self.parties:
            refuse(f"{where}: the member is no party of the facility")
        before = self.digests[member]
        if sequence != len(before):
            refuse(f"{where}: it follows posting {len(before) - 1}, so one is missing between them")
        if keccak(before[-1] + keccak(stream))[:24] + bytes(8) != digest:
            refuse(f"{where}: its legs do not give its running digest")
        before.append(digest)
        self.postings += 1
        rejected, skipped, judged = {}, {}, {}
        for one in said:
            if one.topics[1:2] != [member] or one.data[:1] != (sequence,):
                continue
            if one.name == "LegRejected":
                rejected[one.data[1]] = one.data[2]
            elif one.name == "PartSkipped":
                skipped[one.data[1], one.data[2]] = one.data[3]
            elif one.name == "PairJudged":
                judged[one.data[1], one.data[2]] = one.data[3:]
        self.rejected += len(skipped) + sum(why != DUPLICATE for why in rejected.values())
        side = PARTNER if self.parties[member] else LEAD
        for leg in legs_of(stream, where):
            place = f"{where}, word {leg.word}"
            if leg.word in rejected:
                self._reject(leg, side, self.parties[member], rejected[leg.word])
                continue
            for partner, amount in self._parts(leg, side, skipped, place):
                if side == PARTNER and partner != self.parties[member]:
                    refuse(f"{place}: a partner's leg for another partner's account")
                self._add(leg, side, partner, amount, sequence, judged, place)

    def _parts(
        self, leg: Leg, side: int, skipped: dict[tuple[int, int], int], where: str
    ) -> Iterator[tuple[int, int]]:
        """Which accounts a leg concerns, and with how much."""
        base = leg.target[0] if leg.kind == REVERSAL else leg.kind
        is_shared = not leg.partner and leg.kind != REVERSAL
        if (
            not 1 <= base < REVERSAL
            or leg.is_declared_duplicate
            or (is_shared and leg.kind not in COMPONENTS)
        ):
            refuse(f"{where}: the contract would have rejected this leg")
        for partner in [leg.partner] if leg.partner else self.accounts:
            account = self.accounts.get(partner)
            if account is None:
                refuse(f"{where}: there is no partner {partner}")
            amount = leg.amount
            if leg.kind == REVERSAL:
                # The same bank's half of the target, as it stands there; never split again.
                target = account.pairs.get((*leg.target, 0, 0))
                amount = target.amount_to_reverse(side) if target else 0
                if (leg.word, partner) in skipped:
                    continue
                if target is None or not amount:
                    if leg.partner:
                        refuse(f"{where}: what it would reverse is not there")
                    continue
            elif is_shared:
                shares = self._in_force(self.shares, leg.shares_day or leg.value_day)[2]
                amount = leg.amount * shares[partner - 1][COMPONENTS[leg.kind]] // 10_000
            if amount and (leg.word, partner) not in skipped:
                yield partner, amount

    def _add(
        self, leg: Leg, side: int, partner: int, amount: int, sequence: int,
        judged: dict[tuple[int, int], Any], where: str,
    ) -> None:  # fmt: skip
        """Set a half of a pair; judge the pair if it is the second."""
        account = self.accounts[partner]
        book_day = account.open_day(leg.business_day)
        half = Half(amount, leg.value_day, leg.business_day, book_day, sequence, leg.word)
        pair = account.pairs.setdefault(leg.key, Pair(leg.key, [None, None]))
        if pair.halves[side] is not None:
            refuse(f"{where}: partner {partner}'s pair had this half already")
        pair.halves[side] = half
        account.moved[book_day, leg.kind][side] += pair.sign * amount
        lead, other = pair.halves
        if lead is None or other is None:
            return
        version, _, tolerance, window = self._in_force(self.rules, lead.value_day)
        difference, days = abs(lead.amount - other.amount), abs(lead.value_day - other.value_day)
        if not difference and not days:
            due = "matched"
        elif difference > tolerance:
            due = "amount_and_date" if days > window else "amount"
        else:
            due = "date" if days > window else "within_tolerance"
        word = judged.get((leg.word, partner))
        found = "matched" if word is None else STATUSES.get(word[0], "a status of no meaning")
        if found != due or (word is not None and word[1] != version):
            refuse(f"{where}, partner {partner}: the contract says {found}, and {due} follows")
        pair.status = due
        if due in SETTLED:
            pair.agreed_day = account.open_day(lead.business_day)
            account.moved[pair.agreed_day, leg.kind][AGREED] += pair.effects[LEAD]

    def _reject(self, leg: Leg, side: int, sender: int, reason: int) -> None:
        """Only duplicates are counted: a lead's shared one once for each part that is not 0."""
        if reason != DUPLICATE:
            return
        partners: list[int] = [sender]
        if side == LEAD and leg.partner:
            partners = [leg.partner]
        elif side == LEAD and leg.kind == REVERSAL:
            key = (*leg.target, 0, 0)
            partners = [
                number
                for number, account in self.accounts.items()
                if (pair := account.pairs.get(key)) and pair.halves[LEAD]
            ]
        elif side == LEAD:
            shares = self._in_force(self.shares, leg.shares_day or leg.value_day)[2]
            component = COMPONENTS.get(leg.kind, 0)
            partners = [
                number
                for number, one in enumerate(shares, 1)
                if leg.amount * one[component] // 10_000
            ]
        for partner in partners:
            if partner in self.accounts:
                type_ = "duplicate_at_partner" if side else "duplicate_at_lead"
                self.accounts[partner].duplicates.append((leg.business_day, type_))

    def _propose_resolution(self, topics: list[int], asked: Any, where: str) -> None:
        _, _, kind, reference, target_kind, target, action, side, day, _, _ = asked
        key = (kind, reference, target_kind, target if kind == REVERSAL else 0)
        pair = self.accounts[topics[1]].pairs.get(key)
        if pair is None or action not in ACTIONS:
            refuse(f"{where}: a resolution of a pair that no leg has made")
        self.proposals += 1
        side_ = side - 1 if side in (1, 2) else None
        self.waiting[topics[2]] = Resolution(self.proposals, pair, ACTIONS[action], side_, day)

    def _accept_resolution(self, topics: list[int], data: Any, where: str) -> None:
        one = self.waiting.pop(topics[2], None)
        if one is None:
            refuse(f"{where}: ResolutionAccepted of what nobody has proposed")
        account, pair = self.accounts[topics[1]], one.pair
        lead, partner = pair.effects
        lead_moved = partner_moved = agreed = accepted = 0
        if one.action == "void":
            lead_moved, partner_moved = -lead, -partner
        elif one.action == "adjust":
            pair.resolved_side = LEAD if one.side == LEAD else PARTNER
            if one.side == LEAD:
                lead_moved, agreed = partner - lead, partner
            else:
                partner_moved, agreed = lead - partner, lead
        elif pair.halves[LEAD] is None:  # the absent half is made
            lead_moved, agreed, pair.resolved_side = partner, partner, LEAD
            one.moved_kind = pair.key[0]
        elif pair.halves[PARTNER] is None:
            partner_moved, agreed, pair.resolved_side = lead, lead, PARTNER
            one.moved_kind = pair.key[0]
        else:
            agreed, accepted = lead, partner - lead
        due = (lead_moved, partner_moved, agreed, accepted)
        if due != tuple(data[2:6]):
            refuse(f"{where}: a resolution moved {data[2:6]}, and {due} follows from the halves")
        pair.action = one.action
        one.moved, one.day = (lead_moved, partner_moved), account.open_day(one.business_day)
        for book in (LEAD, PARTNER):
            if due[book]:
                account.moved[one.day, one.moved_kind][book] += due[book]
        if agreed:
            half = pair.halves[LEAD]
            pair.agreed_day = account.open_day(half.business_day if half else one.business_day)
            account.moved[pair.agreed_day, pair.key[0]][AGREED] += agreed
        account.accepted.append(one)


# 6. The statement made anew, and compared ---

CELLS = (
    "partner", "type", "kind", "lead posting", "lead word", "partner posting", "partner word",
    "lead date", "partner date", "agreed date", "lead amount", "partner amount", "agreed amount",
)  # fmt: skip


def day_text(day: int) -> str:
    return date.fromordinal(min(max(day, 1), date.max.toordinal())).isoformat()


def place_of(pair: Pair) -> list[int | None]:
    """Posting and word of either half."""
    return [
        value
        for half in pair.halves
        for value in ((half.sequence, half.word) if half else (None, None))
    ]


def pair_line(partner: int, pair: Pair, low: int, high: int) -> list[Any] | None:
    """The line of a pair; None where nothing of it is in the period."""
    lead, other = pair.halves
    agreed = other if pair.resolved_side == LEAD else lead
    days = [lead.book_day if lead else None, other.book_day if other else None, pair.agreed_day]
    within = [day if day is not None and low <= day <= high else None for day in days]
    if within == [None, None, None]:
        return None
    amounts = [
        str(pair.sign * half.amount) if day is not None and half else None
        for day, half in zip(within, (lead, other, agreed), strict=True)
    ]
    dates = [None if day is None else day_text(day) for day in within]
    return [partner, pair.type, KINDS[pair.key[0]], *place_of(pair), *dates, *amounts]


def resolution_line(partner: int, one: Resolution) -> list[Any]:
    dates = [day_text(one.day) if amount else None for amount in one.moved]
    amounts = [str(amount) if amount else None for amount in one.moved]
    kind = KINDS[one.moved_kind]
    return [partner, one.action, kind, *place_of(one.pair), *dates, None, *amounts, None]


def account_of(number: int, account: Account, low: int, high: int, lines: list[Any]) -> Any:
    """An account's totals, worked out in three ways that must agree."""
    opening, within, later = [0, 0, 0], [0, 0, 0], [0, 0, 0]
    by_kind: dict[int, list[int]] = {}
    for (day, kind), amounts in account.moved.items():
        sums = opening if day < low else later if day > high else within
        kinds = [by_kind.setdefault(kind, [0, 0, 0])] if low <= day <= high else []
        for book in (LEAD, PARTNER, AGREED):
            for one in (sums, *kinds):
                one[book] += amounts[book]
    closing = [a + b for a, b in zip(opening, within, strict=True)]
    books = [a + b for a, b in zip(closing, later, strict=True)]
    open_lead = open_partner = accepted = 0
    for pair in account.pairs.values():
        lead, partner = pair.effects
        has_both = None not in pair.halves
        if pair.status in SETTLED or (pair.action in ("force", "write_off") and has_both):
            accepted += partner - lead
        elif not pair.action:
            open_lead, open_partner = open_lead + lead, open_partner + partner
    from_lines = [sum(int(line[10 + book] or 0) for line in lines) for book in range(3)]
    where = f"partner {number}"
    if from_lines != within:
        refuse(f"{where}: its lines add up to {from_lines}, and its movements to {within}")
    if books[LEAD] != books[AGREED] + open_lead:
        refuse(f"{where}: the lead's book is not what is agreed and its open legs")
    if books[PARTNER] != books[AGREED] + open_partner + accepted:
        refuse(f"{where}: the partner's book is not what is agreed, its open legs, and differences")
    counted = account.duplicates + [
        ((pair.halves[LEAD] or pair.halves[PARTNER]).business_day, pair.type)  # type: ignore[union-attr]
        for pair in account.pairs.values()
    ]
    types = [type_ for day, type_ in counted if low <= day <= high]
    return {
        "partner": number,
        "opening": [str(one) for one in opening],
        "closing": [str(one) for one in closing],
        "later": [str(one) for one in later],
        "movements": [[KINDS[kind], *map(str, by_kind[kind])] for kind in sorted(by_kind)],
        "pairs": {type_: types.count(type_) for type_ in TYPES},
        "open_lead": str(open_lead),
        "open_partner": str(open_partner),
        "accepted_difference": str(accepted),
    }


def period_of(facility: Facility, names: dict[int, str], low: int, high: int) -> dict[str, Any]:
    """Accounts, banks and lines of the period."""
    lines: list[list[Any]] = []
    accounts = []
    first: dict[int, int] = {}
    """By partner number, 0 the lead: its first posting with a half in the period."""
    for number, account in facility.accounts.items():
        own = [
            line
            for pair in account.pairs.values()
            if (line := pair_line(number, pair, low, high)) is not None
        ]
        for line in own:
            for bank, posting, day in ((0, line[3], line[7]), (number, line[5], line[8])):
                if day is not None:
                    first[bank] = min(posting, first.get(bank, posting))
        own += [
            resolution_line(number, one)
            for one in sorted(account.accepted, key=lambda one: one.number)
            if low <= one.day <= high
        ]
        accounts.append(account_of(number, account, low, high, own))
        lines += own
    banks = []
    for member, number in sorted(facility.parties.items(), key=lambda one: one[1]):
        digests = facility.digests[member]
        last = len(digests) - 1
        before = first[number] - 1 if number in first else last
        banks.append(
            {
                "member": member,
                "name": names.get(member, ""),
                "partner": number,
                "last": {"sequence": last, "digest": "0x" + digests[last].hex()},
                "before": {"sequence": before, "digest": "0x" + digests[before].hex()},
            }
        )
    return {"accounts": accounts, "banks": banks, "lines": lines}


def difference(stated: Any, found: Any, place: str = "the statement") -> str:
    """Where two statements differ first, in words."""
    if isinstance(stated, dict) and isinstance(found, dict):
        # Totals before lines: of what is wrong, the totals are the shorter word.
        for key in sorted({*stated, *found}, key=lambda key: (key == "lines", key)):
            if key not in stated or key not in found:
                return f"{place}, {key}: it stands in one of the two alone"
            if stated[key] != found[key]:
                return difference(stated[key], found[key], f"{place}, {key}")
    if isinstance(stated, list) and isinstance(found, list):
        for at, (one, other) in enumerate(zip(stated, found, strict=False)):
            if one != other:
                is_line = "lines, number" in place and at < len(CELLS)
                word = CELLS[at] if is_line else f"number {at + 1}"
                return difference(one, other, f"{place}, {word}")
        return f"{place}: it states {len(stated)}, and {len(found)} follow from the chain"
    return (
        f"{place}: it states {json.dumps(stated)}, and {json.dumps(found)} follows from the chain"
    )


@dataclass(frozen=True)
class Verified:
    """What was found to be so."""

    facts: dict[str, Any]
    chain: Chain
    headers: int
    whole: int
    postings: int
    rejected: int
    signatures: int


def verify(content: bytes, trusted: set[bytes] | None, most_mib: int = MOST_MIB) -> Verified:
    """Check a bundle's file. Raises NotABundle, or Refused for whatever does not verify."""
    try:
        return _verify(content, trusted, most_mib)
    except (NotABundle, Refused):
        raise
    except Exception as fault:
        # Bytes that no chain and no contract of ours writes: whatever they break, it is no proof.
        raise Refused(f"the file cannot be read ({type(fault).__name__}: {fault})") from None


def take_block(
    chain: Chain, header: list[bytes], parts: list[list[bytes]], contracts: dict[str, bytes],
    events: Events, facility: Facility,
) -> None:  # fmt: skip
    """What a block of the chain holds; `parts` are its transactions and receipts, or nothing."""
    if not parts:
        may_hold = chain.engine == "ibft" or any(
            may_be_in(header[BLOOM], one) for one in contracts.values()
        )
        if chain.every and header[RECEIPTS_ROOT] != EMPTY_ROOT and may_hold:
            refuse(f"block {chain.number} may hold events, and only its header is here")
        return
    for values, root, word in (
        (parts[0], TRANSACTIONS_ROOT, "transactions"),
        (parts[1], RECEIPTS_ROOT, "receipts"),
    ):
        if ordered_root(values) != header[root]:
            refuse(f"block {chain.number}: its {word} are not those that its header names")
    for where, found in events.read(chain.number, *parts):
        for at, event in enumerate(found):
            facility.take(event, found[:at], where)


def _verify(content: bytes, trusted: set[bytes] | None, most_mib: int) -> Verified:
    statement, blocks = read_file(content, most_mib)
    if statement.count(b"{") > MOST_BRACES or statement.count(b"[") > (
        MOST_BRACES + len(statement) // LEAST_LINE_BYTES
    ):
        refuse("the statement: it has more objects or lists than a statement has")
    stated = json.loads(statement)
    engine, every = stated["seals"], stated["blocks"] == "all"
    chain_id, number = stated["chain_id"], stated["facility"]["number"]
    if (
        stated["format"] != "tallystick-proof-1"
        or engine not in ("ibft", "qbft", "none")
        or stated["blocks"] not in ("all", "chosen")
        or (engine == "none" and not every)
        or set(stated["contracts"]) != CONTRACTS
        or type(chain_id) is not int
        or type(number) is not int
    ):
        refuse("the statement: its format, or what it says that it is of, is none that is known")
    if engine == "none" and trusted is not None:
        refuse("the blocks have no seals: the validators that you trust vouch for none of them")
    contracts = {name: bytes.fromhex(one[2:]) for name, one in stated["contracts"].items()}
    chain = Chain(engine, bytes.fromhex(stated["genesis"][2:]), every, trusted)
    events = Events(contracts, chain_id, number)
    facility = Facility(number)
    header: list[bytes] = []
    for block in blocks:
        before = chain.number
        try:
            header = chain.take(block[0])
            take_block(chain, header, block[1:], contracts, events, facility)
        except Refused:
            raise
        except Exception as fault:
            # Bytes that no chain and no contract of ours writes, whatever they break.
            why = f"{type(fault).__name__}: {fault}"
            raise Refused(f"the block after block {before} cannot be read ({why})") from None
    if not header:
        refuse("the bundle holds no block")
    if facility.terms is None:
        refuse(f"no event in the bundle proposes facility {number}")
    if not events.is_founded:
        refuse("no block in the bundle founds the consortium: nothing names its contracts")
    first, last = date.fromisoformat(stated["from"]), date.fromisoformat(stated["to"])
    if first > last:
        refuse("the statement: its period ends before it begins")
    terms = facility.terms
    found_facts = {
        **{name: stated[name] for name in ("format", "chain_id", "seals", "blocks")},
        "genesis": "0x" + chain.genesis.hex(),
        "contracts": {name: "0x" + address.hex() for name, address in contracts.items()},
        "from": first.isoformat(),
        "to": last.isoformat(),
        "details": "sealed",
        "acts": events.acts,
        "last": {
            "hash": "0x" + chain.hash.hex(),
            "number": chain.number,
            "time": number_of(header[TIME]),
        },
        "facility": {
            "currency": printable(terms[2].decode("utf-8", "replace")),
            "decimals": terms[3],
            "id": printable(terms[0].decode("utf-8", "replace")),
            "lead": terms[1],
            "number": number,
        },
        **period_of(facility, events.names, first.toordinal(), last.toordinal()),
    }
    if stated != found_facts:
        refuse(difference(stated, found_facts))
    canonical = json.dumps(found_facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if statement != canonical.encode():
        refuse("the statement is not in its canonical form")
    whole = sum(len(block) == 3 for block in blocks)
    return Verified(
        found_facts,
        chain,
        len(blocks),
        whole,
        facility.postings,
        facility.rejected,
        events.signatures,
    )


def words_of(found: Verified, is_trusted: bool) -> Iterator[str]:
    """What was proved, what is assumed, and what is not proved."""
    facts, chain = found.facts, found.chain
    yield "Proved:" if chain.first else "Stated by blocks that nobody sealed:"
    yield (
        f"- {len(facts['lines']):,} lines of {facts['facility']['id']} from {facts['from']} to "
        f"{facts['to']} and their totals follow from {found.postings:,} postings, as of block "
        f"{chain.number:,} (0x{chain.hash.hex()}) of {moment_of(facts)}."
    )
    if chain.first:
        yield (
            f"- {found.headers - 1:,} blocks were each sealed by a quorum of the chain's "
            f"validators, who changed {chain.changes} times."
        )
    else:
        yield f"- {found.headers:,} blocks follow one another by hash from the chain's first."
    yield (
        f"- {found.whole:,} blocks are whole; {found.signatures:,} acts were each signed by their "
        "member's key of that time."
    )
    for bank in facts["banks"]:
        yield (
            f"- {bank['name']} (member {bank['member']}): postings 1 to "
            f"{bank['last']['sequence']:,} without a gap; the period begins after posting "
            f"{bank['before']['sequence']:,}."
        )
    yield (
        "- Acts of the facility (resolutions accepted, days closed and reopened, changes of "
        f"terms): 1 to {facts['acts']:,} without a gap."
        if facts["acts"]
        else "- The blocks hold no numbered act of the facility (a resolution, a closed day, ...)."
    )
    yield "Assumed:"
    if is_trusted:
        yield "- The validators that you trust began this chain."
    elif chain.first:
        yield (
            f"- The chain is the one whose first block has the hash {facts['genesis']}: compare it "
            "with the network's manifest."
        )
    else:
        yield (
            "- Whoever gave you the file tells the truth. That it names a network's first block "
            "or contracts shows nothing: it may name any."
        )
    contracts = facts["contracts"]
    yield (
        f"- ConsortiumRegistry is {contracts['ConsortiumRegistry']}. Its founding names the others:"
    )
    for name in AS_FOUNDED[1:]:
        yield f"  {name} {contracts[name]}."
    if chain.first:
        yield "- Fewer than a third of the validators lie, those of the past included."
    yield "Not proved:"
    if not chain.first:
        yield (
            "- That these blocks are a chain's at all. Where validators seal a network's blocks, "
            "this file is not of that network, whatever it names."
        )
    yield (
        f"- What came after {moment_of(facts)}, when the last block in the file was made; the "
        f"period reaches to {facts['to']}."
    )
    if found.rejected:
        yield (
            f"- That the contract was right to reject {found.rejected:,} legs or parts of legs "
            "for other reasons than being duplicates. They stand in no book and no line."
        )
    if facts["blocks"] == "chosen":
        yield "- That nothing was left out after the last posting of a bank and the last act above."
    yield "- What the contracts' code does, and the names and details, which are sealed."


def moment_of(facts: dict[str, Any]) -> str:
    """When the last block was made; where nobody sealed it, it may say anything."""
    time = facts["last"]["time"]
    try:
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return f"no time that there is ({time} s)"


def verdict_of(file: str, found: Verified, is_trusted: bool) -> str:
    """One sentence, which alone must not promise more than what follows it."""
    if not found.chain.first:
        return (
            f"{file} agrees with itself, and proves nothing more: no validator has sealed its "
            "blocks, so anybody can make such a file, of any banks and amounts."
        )
    if not is_trusted:
        return f"{file} verifies, if its chain is yours: compare what is assumed."
    return f"{file} verifies."


def printable(text: str) -> str:
    """A text that others wrote, with nothing that a terminal would obey."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def read_content(path: Path, most_mib: int) -> bytes:
    """A file, of which no more is read than a bundle can be."""
    with path.open("rb") as file:
        content = file.read(48)
        check_beginning(content)
        chunks, size = [content], os.fstat(file.fileno()).st_size
        while max(size, sum(map(len, chunks))) <= most_mib << 20:
            chunk = file.read(1 << 24)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
    refuse(f"the file is larger than {most_mib:,} MiB")


def read_trusted(path: Path) -> set[bytes]:
    listed = json.loads(path.read_bytes())
    found = {bytes.fromhex(one.lower().removeprefix("0x")) for one in listed}
    if not found or any(len(one) != 20 for one in found):
        raise ValueError("no list of addresses")
    return found


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check a proof bundle alone and offline.")
    parser.add_argument("bundle", type=Path, help="the proof bundle")
    parser.add_argument(
        "--trust", type=Path, help="a JSON list of the addresses that must be the first validators"
    )
    parser.add_argument(
        "--most-mib", type=int, default=MOST_MIB, help="the largest content that is unpacked"
    )
    given = parser.parse_args(None if arguments is None else list(arguments))
    try:
        trusted = None if given.trust is None else read_trusted(given.trust)
        found = verify(read_content(given.bundle, given.most_mib), trusted, given.most_mib)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as fault:
        print(printable(f"a file cannot be read: {fault}"), file=sys.stderr)
        return NO_BUNDLE
    except NotABundle as fault:
        print(printable(f"{given.bundle} is no proof bundle: {fault}"), file=sys.stderr)
        return NO_BUNDLE
    except Refused as fault:
        print(printable(f"{given.bundle} does NOT verify: {fault}"), file=sys.stderr)
        return NOT_VERIFIED
    print(printable(verdict_of(str(given.bundle), found, trusted is not None)))
    for line in words_of(found, trusted is not None):
        print(printable(line))
    return VERIFIED


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(main())
