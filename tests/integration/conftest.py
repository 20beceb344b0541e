"""A consortium on a real chain that each test finds as it was founded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.db.engine import create, upgrade
from ganache.launcher import start
from tests.integration.posted import World, new_world


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
    engine = create(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()
