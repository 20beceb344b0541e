"""What somebody might change in a proof bundle, each re-packed so that all outer checksums hold;
and the two verifiers, which must both see it and say where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import rlp
import zstandard
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from app.proof.check import check
from app.proof.file import MAGIC, Block, Bundle, NoBundle, pack, unpack
from app.verify.errors import Unverified
from deploy.independent_verifier import verify_bundle as independent

HEAD_BYTES = 48
EXTRA, VANITY_BYTES = 12, 32
STRANGER = PrivateKey(keccak(b"a stranger"))


def both_verify(file: bytes, trusted: frozenset[bytes] | None = None) -> None:
    """Both verifiers take the bundle, and found the same."""
    statement = check(file, trusted).statement
    found = independent.verify(file, None if trusted is None else set(trusted))
    assert json.loads(statement) == found.facts


def both_refuse(file: bytes, trusted: frozenset[bytes] | None = None) -> list[str]:
    """Why each of the two refuses it."""
    reasons = []
    try:
        check(file, trusted)
    except Unverified as fault:
        reasons.append(str(fault))
    try:
        independent.verify(file, None if trusted is None else set(trusted))
    except independent.Refused as fault:
        reasons.append(str(fault))
    assert len(reasons) == 2, f"only one refused: {reasons}"
    return reasons


def both_find_no_bundle(file: bytes) -> bool:
    try:
        check(file)
        return False
    except NoBundle:
        pass
    try:
        independent.verify(file, None)
        return False
    except independent.NotABundle:
        return True


def repacked(content: bytes) -> bytes:
    """A bundle's file of this content, with the SHA-256 that it needs."""
    frame = zstandard.ZstdCompressor().compress(content)
    return MAGIC + hashlib.sha256(MAGIC + frame).digest() + frame


def content_of(file: bytes) -> bytes:
    """What is in the frame of a bundle's file."""
    return zstandard.ZstdDecompressor().decompress(file[HEAD_BYTES:])


@dataclass(frozen=True)
class Tampered:
    """A change, and a word of which the reasons must hold one."""

    name: str
    file: bytes
    words: tuple[str, ...]


def tampered(file: bytes, other: bytes) -> Iterator[Tampered]:
    """All changes of a bundle; `other` is the bundle of another chain."""
    yield from _statements(file)
    yield from _blocks(file, other)
    if facts_of(file)["seals"] != "none":
        yield from _seals(file)


def facts_of(file: bytes) -> Any:
    return json.loads(unpack(file).statement)


def _statements(file: bytes) -> Iterator[Tampered]:
    def edited(name: str, words: Sequence[str], edit: Callable[[Any], None]) -> Tampered:
        bundle = unpack(file)
        facts = json.loads(bundle.statement)
        edit(facts)
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert text.encode() != bundle.statement, name
        return Tampered(name, pack(replace(bundle, statement=text.encode())), tuple(words))

    lines = facts_of(file)["lines"]
    at = next(place for place, line in enumerate(lines) if line[12] is not None)
    partner = lines[at][0]

    def more_of_everything(facts: Any) -> None:
        """100 more in a line, its movement and its books: all sums hold."""
        line = facts["lines"][at]
        [account] = [one for one in facts["accounts"] if one["partner"] == partner]
        [movement] = [one for one in account["movements"] if one[0] == line[2]]
        for book in range(3):
            if line[10 + book] is not None:
                line[10 + book] = str(int(line[10 + book]) + 100)
                movement[1 + book] = str(int(movement[1 + book]) + 100)
                account["closing"][book] = str(int(account["closing"][book]) + 100)

    def count(facts: Any) -> None:
        facts["accounts"][0]["pairs"]["matched"] += 1

    def swap(facts: Any) -> None:
        facts["lines"][at], facts["lines"][at - 1] = facts["lines"][at - 1], facts["lines"][at]

    def before(facts: Any) -> None:
        facts["banks"][0]["before"]["sequence"] += 1

    def contracts(facts: Any) -> None:
        all_ = facts["contracts"]
        all_["DayClose"], all_["ConsortiumRegistry"] = all_["ConsortiumRegistry"], all_["DayClose"]

    yield edited("a line is dropped", ["lines"], lambda facts: facts["lines"].pop(at))
    yield edited("a line twice", ["lines"], lambda f: f["lines"].insert(at, f["lines"][at]))
    yield edited("two lines are swapped", ["lines"], swap)
    yield edited("a line's amount", ["lines"], lambda f: f["lines"][at].__setitem__(12, "1"))
    yield edited("a line's posting", ["lines"], lambda f: f["lines"][at].__setitem__(3, 77))
    yield edited("totals together with lines", ["accounts"], more_of_everything)
    yield edited("a count", ["accounts"], count)
    yield edited("the state before the period", ["banks"], before)
    yield edited("a bank's name", ["name"], lambda f: f["banks"][0].__setitem__("name", "x"))
    yield edited("the last block", ["last"], lambda f: f["last"].__setitem__("time", 1))
    yield edited(
        "another period",
        ["the chain"],
        lambda f: f.update(dict.fromkeys(("from", "to"), "2001-01-01")),
    )
    yield edited("the chain's number", ["chain"], lambda f: f.__setitem__("chain_id", 1))
    yield edited("a genesis", ["block"], lambda f: f.__setitem__("genesis", "0x" + "11" * 32))

    def capitals(facts: Any) -> None:
        facts["genesis"] = "0x" + facts["genesis"][2:].upper()

    yield edited("another way to write the genesis", ["genesis", "hex"], capitals)
    yield edited("a number with a point", ["statement"], lambda f: f.__setitem__("chain_id", 1.0))
    yield edited("a contract is left out", ["statement"], lambda f: f["contracts"].pop("DayClose"))
    yield edited("two contracts are swapped", ["key of that time"], contracts)
    yield edited("something more", ["more"], lambda f: f.__setitem__("more", 1))


def _blocks(file: bytes, other: bytes) -> Iterator[Tampered]:
    bundle = unpack(file)
    blocks = list(bundle.blocks)
    every = facts_of(file)["blocks"] == "all"
    whole = [place for place, one in enumerate(blocks) if one.receipts]
    one, two = whole[len(whole) // 2], whole[len(whole) // 2 + 1]
    number = _number(blocks[one])

    def made(name: str, words: Sequence[str], edited: list[Block]) -> Tampered:
        return Tampered(name, pack(Bundle(bundle.statement, edited)), tuple(words))

    def with_(place: int, block: Block) -> list[Block]:
        return [*blocks[:place], block, *blocks[place + 1 :]]

    first, second = blocks[one], blocks[two]
    of_block = (f"block {number}",)
    yield made("a block is dropped", ("block", "posting"), blocks[:one] + blocks[one + 1 :])
    yield made("the last block is dropped", ("last", "banks", "accounts"), blocks[:-1])
    yield made("all blocks are dropped", ("no block",), [])
    yield made(
        "two blocks are swapped",
        (f"block {_number(second)}", of_block[0], "block"),
        [*blocks[:one], second, *blocks[one + 1 : two], first, *blocks[two + 1 :]],
    )
    yield made("a block twice", of_block, [*blocks[: one + 1], *blocks[one:]])
    yield made("receipts of another block", of_block, with_(one, _with(first, second.receipts)))
    fewer = with_(one, _with(first, (first.receipts or ())[:-1]))
    yield made("a receipt is dropped", ("one receipt",), fewer)
    yield made(
        "transactions of another block",
        of_block,
        with_(one, Block(first.header, second.transactions, first.receipts)),
    )
    receipt = bytearray(first.receipts[-1])  # type: ignore[index]
    receipt[-1] ^= 1
    changed = [*first.receipts[:-1], bytes(receipt)]  # type: ignore[index]
    yield made("an event's last byte", of_block, with_(one, _with(first, changed)))
    stranger = next(block for block in reversed(unpack(other).blocks) if block.receipts)
    yield made("a header of another chain", ("block", "header"), with_(one, stranger))
    yield made(
        "another chain's block beside the own header",
        of_block,
        with_(one, Block(first.header, stranger.transactions, stranger.receipts)),
    )
    if every:
        yield made(
            "a block without what is in it", (*of_block, "header"), with_(one, Block(first.header))
        )


def _seals(file: bytes) -> Iterator[Tampered]:
    bundle = unpack(file)
    blocks = list(bundle.blocks)
    is_ibft = facts_of(file)["seals"] == "ibft"
    place = len(blocks) // 2
    number = _number(blocks[place])
    fields = rlp.decode(blocks[place].header)
    vanity = fields[EXTRA][:VANITY_BYTES] if is_ibft else b""
    extra = rlp.decode(fields[EXTRA][len(vanity) :])
    at = 2 if is_ibft else 4
    seals = extra[at]

    def made(name: str, words: Sequence[str], theirs: list[bytes]) -> Tampered:
        changed = [*extra[:at], theirs, *extra[at + 1 :]]
        header = [*fields[:EXTRA], vanity + rlp.encode(changed), *fields[EXTRA + 1 :]]
        block = replace(blocks[place], header=rlp.encode(header))
        edited = [*blocks[:place], block, *blocks[place + 1 :]]
        return Tampered(name, pack(Bundle(bundle.statement, edited)), (f"block {number}", *words))

    forged = STRANGER.sign_msg_hash(keccak(b"whatever")).to_bytes()
    yield made("a seal is forged", (), [forged, *seals[1:]])
    yield made("a seal twice", (), [seals[0], seals[0], *seals[2:]])
    yield made("a seal more than once besides all", (), [*seals, seals[0]])
    yield made("too few seals", (), seals[:2])
    yield made("no seals", (), [])
    yield made("a seal that is none", (), [b"\1" * 65, *seals[1:]])


def _with(block: Block, receipts: Sequence[bytes] | None) -> Block:
    return replace(block, receipts=receipts)


def _number(block: Block) -> int:
    return int.from_bytes(rlp.decode(block.header)[8])
