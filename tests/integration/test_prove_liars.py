"""A proof bundle that is made while an endpoint lies: it is the chain's, or there is none."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import Engine

from app.chain.failover import Endpoints
from app.chain.rpc import ClientTls, Rpc
from app.db.engine import create, upgrade
from app.domain.errors import TallyError
from app.proof.check import check
from app.proof.make import Made, make
from app.reports.source import Request, open_source
from deploy.consortium import ConsortiumFolder
from ganache.launcher import start
from tests.hostile_values import spoiled_answer
from tests.integration.posted import World
from tests.integration.proofs import DAY
from tests.integration.test_resolutions import post_breaks
from tests.integration.test_verified_view import EMPTY, LIES, TRUE_BLOCKS
from tests.integration.vaults import VAULT
from tests.proxy import Proxy
from tests.sealed_chain import Lie, SealedChain, SealedRpc

SEEDS = 150


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A history on a chain that is sealed."""
    folder = tmp_path_factory.mktemp("liars")
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        sealed = SealedChain(chain.process.url)
        rpc = SealedRpc(chain.process.url, sealed)
        world = World(rpc, ConsortiumFolder(folder / "consortium"), engine="besu")
        rpc.call("anvil_mine", [hex(TRUE_BLOCKS)])
        post_breaks(world)
        yield world
        rpc.close()
        sealed.close()


@pytest.fixture(scope="module")
def engine(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = create(f"sqlite:///{tmp_path_factory.mktemp('node') / 'node.db'}", vault=VAULT)
    upgrade(opened)
    world.indexer("webank", opened).advance()
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def honest(world: World, engine: Engine) -> Made:
    return prove(world, engine, world.rpc)


def prove(world: World, engine: Engine, rpc: Rpc) -> Made:
    request = Request(facility=world.facility_id, first=DAY, last=DAY)
    with open_source(engine, request) as source:
        return make(source, rpc, world.manifest)


def sealed(world: World) -> SealedChain:
    assert isinstance(world.rpc, SealedRpc)
    return world.rpc.chain


def another_by_the_second_question() -> Lie:
    """Tells of a block what it is, and another time what it is not."""
    asked: dict[str, int] = {}

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getBlockByNumber":
            return result
        asked[params[0]] = asked.get(params[0], 0) + 1
        if asked[params[0]] == 1:
            return result
        return {**result, "transactions": result["transactions"][::-1][:1] * 2}

    return lie


def a_head_that_goes_back(method: str, params: list[Any], result: Any) -> Any:
    if method == "eth_getBlockByNumber" and int(params[0], 16) > TRUE_BLOCKS:
        return None
    return result


def without_events(at: int) -> Lie:
    """One header that says that nothing happened in its block, whose parent is right."""

    def lie(method: str, params: list[Any], result: Any) -> Any:
        if method != "eth_getBlockByNumber" or int(params[0], 16) != at:
            return result
        return {**result, **EMPTY, "transactions": []}

    return lie


LIES_TO_WHO_PROVES: dict[str, Lie] = {
    **{name: lie for name, (lie, _) in LIES.items() if name != "the block before, again"},
    "another answer the second time": another_by_the_second_question(),
    "a head that goes back": a_head_that_goes_back,
    "no receipt": lambda method, _, result: None if "Receipt" in method else result,
}


@pytest.mark.parametrize("name", LIES_TO_WHO_PROVES)
def test_who_lies_is_passed_by_for_another(
    world: World, engine: Engine, honest: Made, name: str
) -> None:
    pass_by(world, engine, honest, LIES_TO_WHO_PROVES[name])


def test_an_empty_header_leaves_no_block_out(world: World, engine: Engine, honest: Made) -> None:
    """Nothing but the next block's header shows that it is no header of the chain."""
    newest = int(world.rpc.call("eth_blockNumber", []), 16)
    pass_by(world, engine, honest, without_events(newest - 1))


def pass_by(world: World, engine: Engine, honest: Made, lie: Lie) -> None:
    """Another endpoint is asked; where there is none, it is that one that is blamed."""
    chain = sealed(world)
    with ExitStack() as stack:
        liar, other = (stack.enter_context(Proxy(chain.url)) for _ in range(2))
        liar.tamper = lambda *asked: lie(asked[0], asked[1], chain.told(*asked))
        other.tamper = chain.told
        for urls in ([liar.url, other.url], [liar.url]):
            endpoints = stack.enter_context(
                closing(Endpoints(urls, world.manifest, ClientTls(None, None, None)))
            )
            if len(urls) == 1:
                with pytest.raises(TallyError) as refused:
                    prove(world, engine, endpoints.client())
                assert "this node's database" not in str(refused.value), "it is not to blame"
            else:
                made = prove(world, engine, endpoints.client())
                assert made.proved.statement == honest.proved.statement
                assert check(made.file).statement == honest.proved.statement


@pytest.mark.parametrize("seed", range(SEEDS))
def test_one_word_of_an_answer_is_another(
    world: World, engine: Engine, honest: Made, seed: int
) -> None:
    """Whatever it is: the bundle is the same, or there is none."""
    chance = random.Random(seed)
    rpc = world.rpc
    assert isinstance(rpc, SealedRpc)
    share = chance.choice([0.005, 0.05, 0.5])

    def lie(method: str, params: list[Any], result: Any) -> Any:
        return spoiled_answer(chance, result) if chance.random() < share else result

    rpc.lie = lie
    try:
        made = prove(world, engine, rpc)
    except TallyError as fault:
        assert len(str(fault)) < 5_000
    else:
        assert made.proved.statement == honest.proved.statement
        assert check(made.file).statement == honest.proved.statement
    finally:
        rpc.lie = None
