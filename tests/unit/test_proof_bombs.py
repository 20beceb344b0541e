"""Small files that would unpack to millions of parts: refused before the parts are made."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
import pytest
import rlp

from app.proof.file import Block
from app.proof.statement import prove
from app.verify.rlp_bytes import encode
from app.verify.trie import ordered_root
from tests.made_chain import LEAD, PARTNER, MadeChain
from tests.tampering import both_refuse, repacked

MANY = 200_000
_GENESIS = bytes([17]) * 32
_PARENT, _TRANSACTIONS_ROOT, _RECEIPTS_ROOT, _NUMBER, _EXTRA = 0, 4, 5, 8, 12


@dataclass(frozen=True)
class Parts:
    """A bundle of one block that nobody seals, so that anybody may make it."""

    statement: bytes
    fields: list[bytes]
    block: Block

    def file(self, header: bytes, *lists: Sequence[bytes]) -> bytes:
        return repacked(encode([self.statement, [[header, *lists]]]))


@pytest.fixture(scope="module")
def parts() -> Parts:
    chain = MadeChain()
    chain.found()
    for bank in (LEAD, PARTNER):
        chain.post(bank, 0, 2)
    facts = orjson.loads(prove(chain.terms(), chain.blocks).statement)
    facts |= {"seals": "none", "blocks": "all", "genesis": "0x" + _GENESIS.hex()}
    fields = rlp.decode(chain.blocks[1].header)
    fields[_PARENT], fields[_NUMBER] = _GENESIS, b"\1"
    return Parts(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), fields, chain.blocks[1])


def transactions(parts: Parts) -> bytes:
    return parts.file(encode(parts.fields), [b""] * MANY, [])


def receipts(parts: Parts) -> bytes:
    return parts.file(encode(parts.fields), [b""] * MANY, [b""] * MANY)


def fields_of_a_header(parts: Parts) -> bytes:
    return parts.file(encode([*parts.fields, *[b""] * MANY]))


def a_few_too_many_fields(parts: Parts) -> bytes:
    return parts.file(encode([*parts.fields, *[b""] * 17]))


def seals(parts: Parts) -> bytes:
    fields = list(parts.fields)
    fields[_EXTRA] = encode([bytes(32), [], [], b"", [b""] * MANY])
    return parts.file(encode(fields))


def logs(parts: Parts) -> bytes:
    receipt = encode([b"\1", b"\1", bytes(256), [[b"", [], b""]] * MANY])
    assert parts.block.transactions
    theirs = [parts.block.transactions[0]]
    fields = list(parts.fields)
    fields[_TRANSACTIONS_ROOT] = ordered_root(theirs)
    fields[_RECEIPTS_ROOT] = ordered_root([receipt])
    return parts.file(encode(fields), theirs, [receipt])


def parts_of_a_block(parts: Parts) -> bytes:
    return repacked(encode([parts.statement, [[b""] * MANY]]))


def objects(parts: Parts) -> bytes:
    statement = parts.statement[:-1] + b',"z":[' + b"{}," * MANY + b"{}]}"
    return repacked(encode([statement, [[encode(parts.fields)]]]))


def lists(parts: Parts) -> bytes:
    statement = parts.statement[:-1] + b',"z":[' + b"[]," * MANY + b"[]]}"
    return repacked(encode([statement, [[encode(parts.fields)]]]))


@pytest.mark.parametrize(
    "bomb",
    [
        transactions,
        receipts,
        fields_of_a_header,
        a_few_too_many_fields,
        seals,
        logs,
        parts_of_a_block,
        objects,
        lists,
    ],
)
def test_what_is_refused_before_it_takes_memory(
    bomb: Callable[[Parts], bytes], parts: Parts
) -> None:
    """Half a megabyte of these took seconds and fifty times as much memory."""
    file = bomb(parts)
    assert len(file) < 10_000
    tracemalloc.start()
    try:
        both_refuse(file)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12 << 20
