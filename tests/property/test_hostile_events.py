"""Whatever bytes a member may have put on the chain: the view goes on, and rebuilds to the same.

Events are made here, as the contracts would emit them, because what they accept today they need not
accept tomorrow: every text, payload, sealed blob and amount holds anything that its type can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from sqlalchemy import Engine, func, select

from app.chain.manifest import Manifest
from app.chain.rpc import Rpc
from app.contracts.events import event_kinds
from app.contracts.posting import next_digest
from app.db.engine import create, upgrade
from app.domain.consortium import CONTRACTS
from app.domain.legs import Leg, pack
from app.indexer.decode import Decoder
from app.indexer.handlers import HANDLERS
from app.indexer.indexer import Indexer
from app.indexer.rebuild import digest
from app.indexer.scan import Header, Range
from app.indexer.state import State, View
from app.readmodel import tables as t
from tests.hostile_values import HostileValues

ADDRESSES = {name: f"0x{number:040x}" for number, name in enumerate(CONTRACTS, 0xC1)}
DAY = 736_000
MEMBERS = 4
REF = b"r" * 20

Values = dict[str, Any]


class Chain(HostileValues):
    """Logs in the order of the chain, one a block."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.logs: list[dict[str, Any]] = []

    def emit(self, name: str, **given: Any) -> None:
        kind = event_kinds()[name]
        values = {one["name"]: self.fill(one, given.get(one["name"])) for one in self.inputs(name)}
        indexed = [one for one in self.inputs(name) if one["indexed"]]
        data = [one for one in self.inputs(name) if not one["indexed"]]
        self.logs.append(
            {
                "address": ADDRESSES[kind.contract],
                "topics": [
                    kind.topic,
                    *("0x" + _encode([one], [values[one["name"]]]).hex() for one in indexed),
                ],
                "data": "0x" + _encode(data, [values[one["name"]] for one in data]).hex(),
                "blockNumber": hex(len(self.logs) + 1),
                "logIndex": "0x0",
                "transactionHash": f"0x{len(self.logs) + 1:064x}",
            }
        )

    def inputs(self, name: str) -> list[Any]:
        kind = event_kinds()[name]
        return [{**one, "indexed": True} for one in kind._indexed] + [
            {**one, "indexed": False} for one in kind._data
        ]


def _encode(inputs: list[Any], values: list[Any]) -> bytes:
    return encode([_type(one) for one in inputs], values)


def _type(argument: Any) -> str:
    kind = str(argument["type"])
    if kind.startswith("tuple"):
        inner = ",".join(_type(one) for one in argument["components"])
        return f"({inner}){kind[5:]}"
    return kind.replace("string", "bytes")


ONCE = {"MemberAdmitted", "FacilityProposed", "VoteCast", "ChangeAccepted", "ResolutionAccepted"}
"""Events with a number that no other may have, or that the chain's own state has to allow."""
ANSWERS = {"ResolutionDisputed", "ResolutionWithdrawn"}
RESOLUTION = {"kind": 6, "ref": int.from_bytes(REF), "targetKind": 0, "targetRef": 0}


def hostile(seed: int) -> list[dict[str, Any]]:
    """A consortium whose every event is as hostile as the numbers that contracts give allow."""
    chain = Chain(seed)
    chance, emit = chain.chance, chain.emit
    for member in range(1, MEMBERS + 1):
        emit("MemberAdmitted", member=member, role=min(member, 2))
    terms = {
        "lead": 1,
        "currency": b"CNY",
        "partners": [{"member": 2}, {"member": 3}],
        "rules": {"effectiveFrom": 0},
        "split": chance.randint(0, 1),
    }
    emit("FacilityProposed", facility=1, terms=terms)
    stream, _ = pack([Leg(6, 1, 5, DAY, DAY, 0, REF)])
    posted = {"facility": 1, "member": 1, "sequence": 1, "legs": stream}
    emit("Posted", **posted, digest=next_digest(bytes(32), stream))
    proposals = changes = 0
    for _ in range(60):
        name = chance.choice(sorted(HANDLERS.keys() - ONCE - ANSWERS))
        proposals += name == "ProposalMade"
        changes += name in ("ChangeProposed", "SharesTookEffect", "RulesTookEffect")
        # No leg carries the first day of new terms yet.
        later = DAY + 1_000 + changes
        emit(
            name,
            facility=1,
            partner=1,
            member=1,
            by=2,
            proposal=max(1, proposals),
            change=max(1, changes),
            version=changes + 1,
            kind=chance.randint(1, 9 if name == "ProposalMade" else 3),
            state=chance.randint(1, 3),
            purpose=chance.randint(1, 4),
            pairKey=7,
            ref=len(chain.logs),
            day=DAY,
            effectiveFrom=later,
            rules={"effectiveFrom": later},
            shares=[None, None],
            resolution={
                **RESOLUTION,
                "action": chance.randint(1, 4),
                "side": chance.randint(0, 2),
            },
        )
        if name == "ProposalMade":
            emit("VoteCast", proposal=proposals, member=1)
        if name == "ResolutionProposed":
            emit(chance.choice(sorted(ANSWERS)), facility=1, partner=1, member=1, pairKey=7)
    return chain.logs


def read(engine: Engine, logs: list[dict[str, Any]], step: int) -> Indexer:
    """Read logs into a fresh view, `step` blocks at a time."""
    manifest = Manifest("anvil", 1, "0x" + "00" * 32, ADDRESSES, 1)
    indexer = Indexer(engine, Rpc("http://127.0.0.1:1"), manifest, 1, (), 0)
    state = State(View(1, "lead", ()), 1)
    for at in range(0, len(logs), step):
        chunk = logs[at : at + step]
        events = Decoder(ADDRESSES, HANDLERS).decode(chunk)
        headers = {
            number: Header(number, number.to_bytes(32), bytes(32), 1_000 + number)
            for number in range(at + 1, at + 1 + len(chunk))
        }
        last = headers[at + len(chunk)]
        found = Range(at + 1, last, events, headers, {}, False, None)
        indexer._apply(state, found, at_head=False, recording=False)
    return indexer


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    made: list[Engine] = []

    def begin() -> Engine:
        url = database_url if not made else f"sqlite:///{tmp_path / str(len(made))}.db"
        made.append(create(url))
        upgrade(made[-1])
        return made[-1]

    yield begin
    for engine in made:
        engine.dispose()


@pytest.mark.parametrize("seed", range(6))
def test_no_bytes_stop_the_view_and_it_rebuilds_to_the_same(
    database: Callable[[], Engine], seed: int
) -> None:
    logs = hostile(seed)
    digests = set()
    for step in (1, len(logs), 7):
        engine = database()
        read(engine, logs, step)
        digests.add(digest(engine))
        with engine.connect() as connection:
            made = sum(log["topics"][0] == event_kinds()["ProposalMade"].topic for log in logs)
            kept = select(func.count()).select_from(t.proposals)
            assert connection.execute(kept).scalar_one() == made, "no proposal is forgotten"
    assert len(digests) == 1
