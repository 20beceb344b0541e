"""Networks of real validators. What was started here is stopped here, whatever a test does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.network import engine, layout, operate
from deploy.network.layout import Network
from tests.network.running import tally

LEAD = "ceska"
PARTNERS = ("brno", "ostrava", "plzen")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            # The first test of a machine builds the engine, which takes minutes.
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def built() -> Path:
    """The engine, built once per machine; its tests skip where it cannot be."""
    try:
        return engine.build(print)
    except engine.EngineMissing as missing:
        pytest.skip(f"no Polygon Edge: {missing.what}")


@contextmanager
def made(root: Path, *options: str) -> Iterator[Network]:
    """A network as `tally network create` leaves it; stopped at the end."""
    try:
        outcome = tally("network", "create", "--dir", root, *options)
        assert outcome.code == 0, outcome.stderr
        yield layout.read(root)
    finally:
        if (root / "chain" / "validators.json").exists():
            operate.down(layout.read(root))


@pytest.fixture(scope="session")
def network(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A lead, three partners, an auditor and four validators; whether it runs is left open."""
    partners = [option for name in PARTNERS for option in ("--partner", name)]
    with made(
        tmp_path_factory.mktemp("consortium") / "net",
        "--lead", LEAD, *partners, "--auditor", "cnb", "--validators", "4",
    ) as found:  # fmt: skip
        yield found


@pytest.fixture
def running(network: Network) -> Network:
    operate.up(network, print)
    return network


@pytest.fixture
def stopped(network: Network) -> Network:
    operate.down(network)
    return network
