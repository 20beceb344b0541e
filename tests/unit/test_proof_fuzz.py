"""Mutants of a proof bundle, from seeds: what both verifiers make of them.

*Trees:* anything in the file's RLP is dropped, repeated, swapped, emptied, made a list or long.
What is over no hash may differ, and proves the same. *Events:* the logs themselves are others,
under headers, roots and seals that fit, as only contracts that lie could write them. Then there is
no truth to compare with; but nothing breaks, and no two verifiers accept two different histories.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from app.proof.check import check
from app.proof.file import Bundle, pack
from app.proof.statement import Proved, prove
from app.verify.errors import Unverified
from app.verify.rlp_bytes import decode, encode
from deploy.independent_verifier import verify_bundle as independent
from tests.made_chain import LEAD, PARTNER, MadeChain
from tests.tampering import content_of, repacked

Log = list[Any]
"""Address, topics, data."""
Call = tuple[list[bytes], list[list[Log]], bool]
"""A block's transactions, the logs of each, and whether it is sealed."""

TREES, EVENTS, OF_A_KIND = 120, 80, 20
_WORDS = (bytes(32), b"\xff" * 32, *(one.to_bytes(32) for one in (1, 2, 3, 12, 13, 1 << 31)))


@dataclass
class Recorded(MadeChain):
    """Remembers what each block was made of."""

    calls: list[Call] = field(default_factory=list)

    def _block(self, transactions: Any, logs: Any, *, seals: bool = True) -> None:
        theirs = [[list(one) for one in of] for of in logs]
        self.calls.append((list(transactions), theirs, seals))
        super()._block(transactions, logs, seals=seals)


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    chain = Recorded()
    chain.found()
    chain.post(LEAD, 0, 6, rejected={3: 4})
    chain.post(PARTNER, 0, 3)
    chain.void(5)
    chain.post(PARTNER, 6, 2)
    chain.change_rules()
    chain.post(LEAD, 6, 1)
    return chain


def second(file: bytes) -> str:
    """Why the second verifier refuses a file; empty where it does not."""
    try:
        independent.verify(file, None)
    except independent.Refused as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize("first", range(0, TREES, OF_A_KIND))
def test_trees(recorded: Recorded, first: int) -> None:
    true = prove(recorded.terms(), recorded.blocks).statement
    content = decode(content_of(pack(Bundle(true, recorded.blocks))))
    for seed in range(first, first + OF_A_KIND):
        tree = _copied(content)
        _mutate_tree(tree, random.Random(seed))
        file = repacked(encode(tree))
        try:
            assert check(file).statement == true, seed
        except Unverified:
            assert second(file), seed
        else:
            assert not second(file), seed


@pytest.mark.parametrize("first", range(0, EVENTS, OF_A_KIND))
def test_events(recorded: Recorded, first: int) -> None:
    for seed in range(first, first + OF_A_KIND):
        chance = random.Random(seed)
        calls = [
            (list(transactions), [[_copied(log) for log in logs] for logs in theirs], seals)
            for transactions, theirs, seals in recorded.calls
        ]
        for _ in range(chance.choice((1, 1, 2))):
            chance.choice(MUTATIONS)(calls, chance)
        chain = MadeChain()
        for transactions, theirs, seals in calls:
            chain._block(transactions, theirs, seals=seals)
        proved: Proved | None = None
        try:
            proved = prove(chain.terms(), chain.blocks)
        except Unverified:
            statement = orjson.dumps({"format": "tallystick-proof-1"})
        else:
            statement = proved.statement
        file = pack(Bundle(statement, chain.blocks))
        why = second(file)
        # It reads encodings more strictly, and a resolution's unused target: what it refuses alone
        # no contract writes.
        alone = ("cannot be read", "that no leg has made")
        assert proved is None or not why or any(one in why for one in alone), (seed, why)


def _copied(tree: Any) -> Any:
    return [_copied(one) for one in tree] if isinstance(tree, list | tuple) else tree


def _mutate_tree(tree: list[Any], chance: random.Random) -> None:
    while True:
        parent, place = tree, chance.randrange(len(tree))
        while isinstance(parent[place], list) and parent[place] and chance.random() < 0.85:
            parent = parent[place]
            place = chance.randrange(len(parent))
        mutation = chance.randrange(8)
        old = parent[place]
        if mutation == 0:
            del parent[place]
        elif mutation == 1:
            parent.insert(place, _copied(old))
        elif mutation == 2 and len(parent) > 1:
            other = (place + 1) % len(parent)
            parent[place], parent[other] = parent[other], old
            if parent[place] == old:
                continue
        elif mutation == 3 and old not in (b"", []):
            parent[place] = b""
        elif mutation == 4 and old != []:
            parent[place] = []
        elif mutation == 5:
            parent[place] = [_copied(old)]
        elif mutation == 6 and isinstance(old, bytes):
            parent[place] = old + chance.randbytes(chance.choice((1, 32, 5_000)))
        elif mutation == 7 and isinstance(old, bytes) and old:
            at = chance.randrange(len(old))
            parent[place] = old[:at] + bytes([old[at] ^ 1 << chance.randrange(8)]) + old[at + 1 :]
        else:
            continue
        return


def _logs(calls: list[Call], chance: random.Random) -> list[Log]:
    """The logs of one transaction."""
    return chance.choice([logs for _, theirs, _ in calls for logs in theirs if logs])


def _data_bit(calls: list[Call], chance: random.Random) -> None:
    log = chance.choice(_logs(calls, chance))
    data = bytearray(log[2])
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    log[2] = bytes(data)


def _data_word(calls: list[Call], chance: random.Random) -> None:
    log = chance.choice(_logs(calls, chance))
    words = [log[2][at : at + 32] for at in range(0, len(log[2]), 32)]
    if words:
        words[chance.randrange(len(words))] = chance.choice((*_WORDS, chance.randbytes(32)))
    log[2] = b"".join(words)


def _data_length(calls: list[Call], chance: random.Random) -> None:
    log = chance.choice(_logs(calls, chance))
    if chance.random() < 0.5:
        log[2] = log[2][: chance.randrange(len(log[2]) + 1)]
    else:
        log[2] += chance.randbytes(chance.choice((1, 31, 32, 64)))


def _topic(calls: list[Call], chance: random.Random) -> None:
    log = chance.choice(_logs(calls, chance))
    if len(log[1]) > 1:
        log[1][chance.randrange(1, len(log[1]))] = chance.choice((*_WORDS, chance.randbytes(32)))


def _topics(calls: list[Call], chance: random.Random) -> None:
    topics = chance.choice(_logs(calls, chance))[1]
    if topics and chance.random() < 0.5:
        topics.pop()
    elif len(topics) < 4:
        topics.append(chance.randbytes(32))


def _drop(calls: list[Call], chance: random.Random) -> None:
    logs = _logs(calls, chance)
    del logs[chance.randrange(len(logs))]


def _repeat(calls: list[Call], chance: random.Random) -> None:
    logs = _logs(calls, chance)
    logs.insert(chance.randrange(len(logs) + 1), _copied(chance.choice(logs)))


def _move(calls: list[Call], chance: random.Random) -> None:
    source, target = _logs(calls, chance), _logs(calls, chance)
    log = source.pop(chance.randrange(len(source)))
    target.insert(chance.randrange(len(target) + 1), log)


def _swap(calls: list[Call], chance: random.Random) -> None:
    one, other = (chance.randrange(1, len(calls)) for _ in range(2))
    calls[one], calls[other] = calls[other], calls[one]


MUTATIONS: tuple[Callable[[list[Call], random.Random], None], ...] = (
    _data_bit,
    _data_word,
    _data_length,
    _topic,
    _topics,
    _drop,
    _repeat,
    _move,
    _swap,
)
