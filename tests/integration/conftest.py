"""A consortium on a real chain that each test finds as it was founded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db.engine import create, upgrade
from ganache.launcher import start
from tests.integration.faces import Face, face
from tests.integration.nodes import Node, begin_anew
from tests.integration.posted import World, new_world
from tests.integration.posting import LEAD, Net
from tests.integration.seeded import Seed
from tests.integration.vaults import VAULT


@pytest.fixture(scope="module")
def founded_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A consortium with a facility in force, on an anvil of the module's own."""
    folder = tmp_path_factory.mktemp("world")
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        yield new_world(chain.process.url, folder)


@pytest.fixture
def world(founded_world: World) -> Iterator[World]:
    """The founded consortium; whatever a test posts is taken back after it."""
    founded_world.sequences.clear()
    snapshot = founded_world.rpc.call("evm_snapshot", [])
    yield founded_world
    assert founded_world.rpc.call("evm_revert", [snapshot])


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    """An empty database with its tables, of each kind in turn."""
    engine = create(database_url, vault=VAULT)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    """A facility in force in a database of the module's own, as the indexer would have read it."""
    engine = create(f"sqlite:///{tmp_path_factory.mktemp('seed') / 'bank.sqlite'}", vault=VAULT)
    yield Seed(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def node(seed: Seed) -> Iterator[Face]:
    """A node that serves it."""
    with face(seed.engine) as served:
        yield served


@pytest.fixture(scope="module")
def founded_net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """Banks with all their machinery, on an anvil of the module's own."""
    folder = tmp_path_factory.mktemp("net")
    with start("anvil", state_dir=folder / "chain", keep_state=False) as chain:
        net = Net(folder / "net", chain.process.url)
        yield net
        net.close()


@pytest.fixture
def net(founded_net: Net) -> Iterator[Net]:
    """The founded banks; whatever a test posts is taken back after it."""
    with founded_net.lost_blocks():
        founded_net.mining(True)
        yield founded_net
        founded_net.rpc.call("evm_setAutomine", [True])
    founded_net.opened.close()


@pytest.fixture
def nodes(net: Net) -> Iterator[Callable[..., Node]]:
    with ExitStack() as stack:

        def begin(name: str = LEAD, **options: str) -> Node:
            node = Node(net, name, **options)
            stack.callback(node.process.wait)
            stack.callback(node.process.kill)
            return node

        begin_anew(net)
        yield begin
    begin_anew(net)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an empty SQLite database of this test alone."""
    return f"sqlite:///{tmp_path / 'bank.db'}"
