"""What tests share: real chains, real databases, a real browser. Nothing here is a stand-in."""

from __future__ import annotations

import gc
import shutil
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from app.db.engine import create, upgrade
from app.keys import keystore
from app.people import passwords
from ganache.engines import ENGINES, Engine
from ganache.launcher import ChainHandle, ChainProcess, start
from tests.postgres import Cluster, PostgresMissing
from tests.postgres_databases import Databases

# How fast the machine is proves nothing.
settings.register_profile(
    "whatever_the_load", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("whatever_the_load")

gc.set_threshold(50_000)  # as `tally` and the nodes have it

CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first that is there: Chromium without its own windows and menus takes a third of the time."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays: looking for cycles in it took half of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What any database does is tried on SQLite; on PostgreSQL by the slow tests."""
    for item in items:
        parameters = (
            item.callspec.params
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else {}
        )
        if item.get_closest_marker("any_database") and "postgres" in parameters.values():
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def every_line_is_logged() -> None:
    """A command that an earlier test ran in this process may have asked for fewer lines."""
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """Passwords are hashed with little work in this process; gives the application's own hasher.

    The real work takes a quarter of a second of CPU for each person and each sign-in.
    """
    real = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        little = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", little)
        yield real


@pytest.fixture(scope="session", autouse=True)
def real_scrypt_n() -> Iterator[int]:
    """Production keys take little work in this process, too, and not a second each; gives the
    application's own number."""
    real = keystore._PRODUCTION_SCRYPT_N
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore, "_PRODUCTION_SCRYPT_N", 1 << 12)
        yield real


@pytest.fixture(
    params=[
        pytest.param(name, marks=[] if name == "anvil" else [pytest.mark.slow]) for name in ENGINES
    ]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    """The name of each development engine in turn. That banks reconcile alike on any of them,
    `test_reconcile_engines` shows each time."""
    name: Engine = request.param
    return name


@pytest.fixture
def chain(engine: Engine, tmp_path: Path) -> Iterator[ChainHandle]:
    """A fresh chain of each engine, of this test alone; a block for every transaction."""
    with start(engine, state_dir=tmp_path / "chain", keep_state=False) as handle:
        yield handle


@pytest.fixture(scope="session")
def shared_anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChainProcess]:
    """One anvil for the whole run, for tests whose contracts are their own."""
    folder = tmp_path_factory.mktemp("shared-anvil")
    with start("anvil", state_dir=folder, keep_state=False) as handle:
        yield handle.process


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this run; its tests skip where there is none."""
    try:
        cluster = Cluster()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    with cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test alone."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres_cluster.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of this test alone, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bank.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with today's tables and nothing in them."""
    path = tmp_path_factory.mktemp("tables") / "tables.sqlite"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_databases(postgres_cluster: Cluster) -> Databases:
    """PostgreSQL databases with today's tables and nothing in them."""
    with psycopg.connect(postgres_cluster.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE tables")
    _make_tables(postgres_cluster.url("tables"))
    return Databases(postgres_cluster, "tables")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of this test alone with today's tables, of each kind in turn. They are
    copied: the migrations, which test_migrations tries, would run a thousand times."""
    if request.param == "sqlite":
        path = tmp_path / "bank.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_tables"), path)
        yield f"sqlite:///{path}"
    else:
        databases: Databases = request.getfixturevalue("postgres_databases")
        with databases.one() as url:
            yield url


def _make_tables(url: str) -> None:
    engine = create(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's chromium, for Playwright's `executable_path`; its tests skip where there is none."""
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    pytest.skip("chromium is not installed (Debian: apt-get install chromium-headless-shell)")
