"""A PostgreSQL schema for each channel: made, kept apart, saved and put back by itself."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import typer
from sqlalchemy import Engine, insert, select
from typer.testing import CliRunner

from app.cli.backup import backup
from app.config import load_config
from app.db.engine import create, schema_of, schema_state, upgrade
from app.domain.errors import ConfigFault, UsageFault
from app.intake.tables import feeds
from tests.integration.test_database import FEED
from tests.postgres import Cluster
from tests.unit.test_config import written

CLI = typer.Typer()
CLI.command()(backup)


def url_of(folder: Path, database_url: str, schema: str | None) -> str:
    """What bank.toml makes of a database and the schema in it."""
    folder.mkdir(exist_ok=True)
    tail = f'database_schema = "{schema}"\n' if schema else ""
    return load_config(written(folder, tail, database_url=f'"{database_url}"')).database_url


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def open_in(opened: ExitStack, folder: Path, database_url: str, schema: str | None) -> Engine:
    engine = create(url_of(folder, database_url, schema))
    opened.callback(engine.dispose)
    return engine


def names(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(feeds.c.name)).scalars())


def add(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        connection.execute(insert(feeds).values(FEED | {"name": name}))


def test_each_schema_has_its_own_tables(
    tmp_path: Path, postgres_url: str, opened: ExitStack
) -> None:
    whole = open_in(opened, tmp_path, postgres_url, None)
    upgrade(whole)
    add(whole, "of the database")
    # Tables of the same names stand beside them: they must not be taken for the schema's own.
    first, second = (open_in(opened, tmp_path, postgres_url, one) for one in ("c_1", "c_2"))
    assert schema_state(first) == "empty"
    threads = [
        threading.Thread(target=upgrade, args=(one,)) for one in (first, second, first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert schema_state(first) == schema_state(second) == "current"
    add(first, "of the first")
    assert (names(first), names(second), names(whole)) == (
        ["of the first"],
        [],
        ["of the database"],
    )


def test_a_schema_that_may_not_be_made_is_asked_for(
    tmp_path: Path, postgres_url: str, opened: ExitStack
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("DROP ROLE IF EXISTS modest")
        server.execute("CREATE ROLE modest LOGIN")
        modest = postgres_url.replace("tallystick@", "modest@")
        engine = open_in(opened, tmp_path, modest, "c_1")
        with pytest.raises(ConfigFault, match="has no schema c_1") as fault:
            upgrade(engine)
        assert "CREATE SCHEMA c_1 AUTHORIZATION modest" in fault.value.remedy
        server.execute("CREATE SCHEMA c_1 AUTHORIZATION modest")
        upgrade(engine)
        assert schema_state(engine) == "current"
        engine.dispose()
        server.execute("DROP OWNED BY modest")
        server.execute("DROP ROLE modest")


@pytest.mark.parametrize(
    "path", ["a,public", '"$user"', "pg_catalog", "Big", "a -csearch_path=b", ""]
)
def test_a_search_path_is_the_name_of_one_schema(path: str) -> None:
    with pytest.raises(ConfigFault, match="not the name of one schema"):
        create(f"postgresql://bank@127.0.0.1:1/bank?options=-csearch_path={path}")


def test_what_else_the_url_asks_for_stays(
    tmp_path: Path, postgres_url: str, opened: ExitStack
) -> None:
    asked = f"{postgres_url}?options=-c%20statement_timeout%3D7s"
    engine = open_in(opened, tmp_path, asked, "c_1")
    assert schema_of(engine.url) == "c_1"
    with engine.connect() as connection:
        for setting, value in (
            ("statement_timeout", "7s"),
            ("search_path", "c_1"),
            ("lock_timeout", "10s"),
            ("TimeZone", "UTC"),
        ):
            assert connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == value


@pytest.mark.parametrize(
    "url", ["sqlite:///node.db", "postgresql://h/bank?options=-csearch_path%3Da"]
)
def test_a_schema_that_does_not_go_with_the_url_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigFault, match="names no search_path"):
        url_of(tmp_path, url, "c_1")


def test_one_schema_is_saved_and_put_back_alone(
    tmp_path: Path, postgres_cluster: Cluster, postgres_url: str, opened: ExitStack
) -> None:
    for name in ("c_1", "c_2"):
        engine = open_in(opened, tmp_path, postgres_url, name)
        upgrade(engine)
        add(engine, name)
    told = CliRunner().invoke(CLI, [str(tmp_path / "c_1.dump"), "--config", "bank.toml"])
    assert isinstance(told.exception, ConfigFault)  # no bank.toml here
    url_of(tmp_path, postgres_url, "c_1")
    told = CliRunner().invoke(
        CLI, [str(tmp_path / "c_1.dump"), "--config", str(tmp_path / "bank.toml")]
    )
    assert isinstance(told.exception, UsageFault)
    program, *arguments = told.exception.remedy.removeprefix("Run ").split()
    assert program == "pg_dump"
    dump = [str(postgres_cluster.program("pg_dump")), *arguments]
    subprocess.run(dump, check=True, capture_output=True)
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("DROP SCHEMA c_1 CASCADE")
        server.execute("UPDATE c_2.feeds SET name = 'untouched'")
    restore = str(postgres_cluster.program("pg_restore"))
    subprocess.run(
        [restore, "--exit-on-error", f"--dbname={postgres_url}", str(tmp_path / "c_1.dump")],
        check=True,
        capture_output=True,
    )
    engines = [open_in(opened, tmp_path, postgres_url, name) for name in ("c_1", "c_2")]
    assert [schema_state(one) for one in engines] == ["current", "current"]
    assert [names(one) for one in engines] == [["c_1"], ["untouched"]]
