"""Where validators seal the blocks, an endpoint cannot lie: what it makes up is refused."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.chain.errors import NotVerified
from app.db.engine import create, upgrade
from app.indexer.rebuild import digest
from app.readmodel.accounts.balances import balances
from app.readmodel.chain import Incident, newest_incidents
from deploy.consortium import ConsortiumFolder
from ganache.launcher import start
from tests import sealing
from tests.integration.posted import Event, World
from tests.sealed_chain import VALIDATORS, Lie, SealedChain, SealedRpc

TOP_UP = 6

TRUE_BLOCKS = 10
"""So many blocks at the chain's beginning nobody lies about."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A consortium with postings of both sides, on a chain that is sealed."""
    folder = tmp_path_factory.mktemp("sealed")
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        sealed = SealedChain(chain.process.url)
        rpc = SealedRpc(chain.process.url, sealed)
        world = World(rpc, ConsortiumFolder(folder / "consortium"), engine="besu")
        world.post("webank", Event(TOP_UP, "A", 500, partner=1), Event(TOP_UP, "B", 7, partner=1))
        world.post("huarui", Event(TOP_UP, "A", 500))
        rpc.call("anvil_mine", [hex(TRUE_BLOCKS)])
        yield world
        rpc.close()
        sealed.close()


@pytest.fixture
def liar(world: World) -> Iterator[SealedRpc]:
    assert isinstance(world.rpc, SealedRpc)
    yield world.rpc
    world.rpc.lie = None


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = create(f"sqlite:///{tmp_path / 'bank.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


def incidents(engine: Engine) -> list[Incident]:
    with engine.connect() as connection:
        return newest_incidents(connection)


def lead_book(engine: Engine) -> int:
    with engine.connect() as connection:
        found = next(one for one in balances(connection) if one.partner == "huarui")
        assert found.proof == 0 and found.contract == found.books
        return found.books.lead_book


def test_a_sealed_chain_is_read_whole_and_goes_on_after_a_restart(
    world: World, database: Engine, tmp_path: Path
) -> None:
    world.indexer("webank", database).advance()
    assert lead_book(database) == 507 and incidents(database) == []
    before = world.rpc.call("eth_blockNumber", [])
    world.post("webank", Event(TOP_UP, f"C{before}", 1, partner=1))
    world.indexer("webank", database).advance()
    assert lead_book(database) == 508
    again = create(f"sqlite:///{tmp_path / 'again.db'}")
    upgrade(again)
    world.indexer("webank", again).advance()
    assert digest(again) == digest(database), "however it was cut into ranges"
    again.dispose()


def of_receipts(change: Any) -> Lie:
    """Changes each receipt's logs of ours."""

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getTransactionReceipt" or not result["logs"]:
            return result
        return {**result, "logs": change(copy.deepcopy(result["logs"]))}

    return lie


def of_blocks(change: Any) -> Lie:
    """Changes every block after the first, in whichever form it is asked for."""

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getBlockByNumber" or int(result["number"], 16) < TRUE_BLOCKS:
            return result
        return change(dict(result))

    return lie


def altered_amount(logs: list[Any]) -> list[Any]:
    logs[0]["data"] = logs[0]["data"][:-2] + "77"
    return logs


def other_input(block: Any) -> Any:
    whole = [one for one in block["transactions"] if isinstance(one, dict)]
    changed = [{**one, "input": one["input"][:-2] + "77"} for one in whole]
    return {**block, "transactions": changed or block["transactions"]}


def reseal(block: Any, **fields: Any) -> Any:
    """A forged header with the seals of a minority, all of them real signatures."""
    forged = {**block, **fields}
    bare = {name: value for name, value in forged.items() if name not in ("extraData", "hash")}
    return sealing.seal(bare, VALIDATORS, VALIDATORS[:2])


def older(world: World) -> Lie:
    assert isinstance(world.rpc, SealedRpc)
    chain = world.rpc.chain

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getBlockByNumber" or params[0] in ("0x0", "latest"):
            return result
        return chain.block(int(params[0], 16) - 1)

    return lie


def fewer(block: Any) -> Any:
    return {**block, "transactions": block["transactions"][:-1]}


EMPTY = {
    name: sealing.EMPTY_BLOCK[name] for name in ("receiptsRoot", "transactionsRoot", "logsBloom")
}

LIES: dict[str, tuple[Any, str]] = {
    "another amount in a log": (of_receipts(altered_amount), "the receipts are not those of"),
    "a log less": (of_receipts(lambda logs: logs[:-1]), "the receipts are not those of"),
    "a log twice": (of_receipts(lambda logs: [*logs, logs[0]]), "the receipts are not those of"),
    "another contract's log": (
        of_receipts(lambda logs: [{**one, "address": "0x" + "11" * 20} for one in logs]),
        "the receipts are not those of",
    ),
    "a receipt less, with its transaction": (of_blocks(fewer), "are not those of the block"),
    "other sealed details": (of_blocks(other_input), "the transactions are not those of"),
    "a forged header, without events": (
        of_blocks(lambda block: {**block, **EMPTY, "transactions": []}),
        "does not follow|is no validator of it",
    ),
    "a forged header, sealed by two of four": (
        of_blocks(lambda block: reseal(block, **EMPTY, transactions=[])),
        "has seals of 2 of its 4 validators; 3 are needed|does not follow",
    ),
    "the seals of one validator": (
        of_blocks(lambda block: sealing.seal(block, VALIDATORS, [VALIDATORS[0]] * 3)),
        "has two seals of validator",
    ),
    "a chain of the liar's own validators": (
        of_blocks(lambda block: sealing.seal(block, sealing.keys(7, 8, 9, 10))),
        "lists other validators than the block before it|does not follow",
    ),
    "the block before, again": (older, "stands where block"),
    "a block as a text": (of_blocks(lambda block: "0x00"), "no node answers"),
    "a block without a bloom": (
        of_blocks(lambda block: {**block, "logsBloom": None}),
        "no node answers",
    ),
    "transactions that are none": (
        of_blocks(lambda b: {**b, "transactions": 7}),
        "no node answers",
    ),
    "receipts that are none": (
        lambda method, params, result: [] if method == "eth_getTransactionReceipt" else result,
        "no node answers",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_in_words_and_the_view_stays_right(
    world: World, liar: SealedRpc, database: Engine, name: str
) -> None:
    lie, words = LIES[name]
    indexer = world.indexer("webank", database)
    indexer.advance()
    before, kept = lead_book(database), digest(database)
    world.post("webank", Event(TOP_UP, name, 3, partner=1))

    liar.lie = older(world) if lie is older else lie
    for _ in range(2):
        with pytest.raises(NotVerified, match=f"its answer is refused: .*({words})"):
            indexer.advance()
    assert digest(database) == kept
    (incident,) = incidents(database)
    assert incident.what == "refused" and incident.place.startswith(f"{liar.origin}: its answer")

    liar.lie = None
    indexer.advance()
    assert lead_book(database) == before + 3


def test_nothing_is_read_from_a_liar_into_a_fresh_view(
    world: World, liar: SealedRpc, database: Engine
) -> None:
    liar.lie = of_receipts(lambda logs: logs[1:])
    indexer = world.indexer("huarui", database)
    with pytest.raises(NotVerified):
        indexer.advance()
    liar.lie = None
    indexer.advance()
    assert lead_book(database) >= 507


def test_books_that_the_events_do_not_add_up_to_are_not_shown(
    world: World, liar: SealedRpc, database: Engine
) -> None:
    ledger = world.manifest.addresses["ReserveLedger"]

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_call" or params[0]["to"] != ledger:
            return result
        return "0x" + "00" * 31 + "09" + result[66:]

    liar.lie = lie
    world.indexer("webank", database).advance()
    with database.connect() as connection:
        found = next(one for one in balances(connection) if one.partner == "huarui")
    assert found.books.lead_book >= 507 and found.contract is None
    assert {one.what for one in incidents(database)} == {"books_differ"}


def test_a_role_that_the_events_do_not_give_is_not_believed(
    world: World, liar: SealedRpc, database: Engine
) -> None:
    registry = world.manifest.addresses["ConsortiumRegistry"]

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_call" or params[0]["to"] != registry or len(result) < 500:
            return result
        return result[:130] + f"{2:064x}" + result[194:]

    liar.lie = lie
    indexer = world.indexer("webank", database)
    assert indexer.advance().reorged
    indexer.advance()
    assert lead_book(database) >= 507
    assert [one.place for one in incidents(database)] == [
        "this bank is lead by the chain's events, not partner"
    ]
