"""Opening databases: what goes wrong is said so that a person can act, and writers wait."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from app.db.engine import create, upgrade
from app.db.revisions import MIGRATIONS
from app.db.schema import full_metadata
from app.db.types import WideInteger
from app.domain.errors import ConfigFault, DatabaseBusy, DatabaseUnreachable, DiskFull, SchemaFault
from app.intake.tables import feeds
from app.outbox.tables import batch_log, batches

FEED = {
    "facility": "F-1",
    "name": "a",
    "source": "file",
    "received_at": "2026-03-01T00:00:00Z",
    "rows_in": 0,
    "accepted": 0,
    "duplicate": 0,
    "quarantined": 0,
}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = create(database_url)
    upgrade(opened)
    yield opened
    opened.dispose()


@pytest.mark.parametrize(
    "url", ["", "bank.sqlite", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "oracle://x"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigFault):
        create(url)


@pytest.mark.parametrize("name", ["no/such/folder/bank.sqlite", "folder"])
def test_an_sqlite_file_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DatabaseUnreachable, match="cannot be used"):
        upgrade(create(f"sqlite:///{tmp_path / name}"))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "bank.sqlite"
    path.write_text("event_id,facility\n" * 100)
    with pytest.raises(DatabaseUnreachable, match="not a database"):
        upgrade(create(f"sqlite:///{path}"))


def test_a_server_that_is_down_is_said_without_its_password() -> None:
    engine = create("postgresql://bank:s3cret@127.0.0.1:1/bank")
    with pytest.raises(DatabaseUnreachable) as caught:
        upgrade(engine)
    assert "127.0.0.1:1" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(feeds).values(FEED))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(select(feeds.c.name)).scalars().all() == ["a"]


def test_the_migrations_make_the_declared_tables(empty_database_url: str) -> None:
    """A new database gets today's tables at once, an older one by migrations: they are alike."""
    engine = create(empty_database_url)
    upgrade(engine)
    declared = definitions(engine)
    with engine.begin() as connection:
        full_metadata().drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        migrate(connection, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, full_metadata()) == []
    assert set(definitions(engine)) ^ set(declared) == set()
    engine.dispose()


def definitions(engine: Engine) -> list[str]:
    """What the database says of columns, constraints and indexes, but for the columns' order and
    the defaults that rows of older schemas needed."""
    queries = (
        (
            "SELECT table_name, column_name, data_type, is_nullable FROM"
            " information_schema.columns WHERE table_schema = current_schema()",
            "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = current_schema()::regnamespace",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()",
        )
        if engine.dialect.name == "postgresql"
        else (
            'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m,'
            " pragma_table_info(m.name) c WHERE m.type = 'table'",
            'SELECT m.name, k."from", k."table", k."to", k.on_delete FROM sqlite_master m,'
            " pragma_foreign_key_list(m.name) k WHERE m.type = 'table'",
            "SELECT sql FROM sqlite_master WHERE type <> 'table'",
        )
    )
    with engine.connect() as connection:
        return sorted(
            repr(tuple(row)) for query in queries for row in connection.execute(text(query))
        )


def migrate(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


_BATCH = (
    "INSERT INTO batches (id, facility, facility_number, sequence, legs, digest, gas_limit, "
    "state, fixed_at, calldata) VALUES (:id, 'F', 1, :id, 1, :bytes, 1, :state, 'now', :bytes)"
)


def test_states_of_batches_are_renamed(empty_database_url: str) -> None:
    engine = create(empty_database_url)
    before = ("fixed", "offered", "foreign", "rewound", "reverted", "final", "stopped")
    after = ("sealed", "broadcast", "conflict", "reorged", "reverted", "final", "stopped")
    with engine.begin() as connection:
        migrate(connection, "resolutions")
        for id_, state in enumerate(before, start=1):
            values = {"id": id_, "state": state, "bytes": bytes(32)}
            connection.execute(text(_BATCH), values)
            happened = "INSERT INTO batch_log (batch_id, state, at) VALUES (:id, :state, 'now')"
            connection.execute(text(happened), values)
    upgrade(engine)
    with engine.connect() as connection:
        for table in (batches, batch_log):
            found = connection.execute(select(table.c.state).order_by(table.c.id)).scalars()
            assert tuple(found) == after
    engine.dispose()


def test_every_migration_keeps_a_database_with_events(tmp_path: Path) -> None:
    """Tables that others refer to are not made anew: SQLite would not let go of them."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    revisions = [script.revision for script in scripts.walk_revisions()]
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}")
    for number, revision in enumerate(reversed(revisions)):
        with engine.begin() as connection:
            migrate(connection, revision)
            if number:
                found = connection.execute(text("SELECT feed_id FROM events")).scalars().all()
                assert found == [1], revision
                connection.execute(text("DELETE FROM events"))
                connection.execute(text("DELETE FROM feeds"))
            fill(connection, "feeds")
            fill(connection, "events")
    engine.dispose()


def fill(connection: Connection, table: str) -> None:
    """One row, of 1 and "1" wherever something must stand."""
    columns = [one for one in inspect(connection).get_columns(table) if not one["nullable"]]
    values = {
        one["name"]: b"1"
        if isinstance(one["type"], LargeBinary)
        else 1
        if isinstance(one["type"], Integer)
        else "1"
        for one in columns
    }
    names = ", ".join(f'"{name}"' for name in values)
    given = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({given})"), values)


def test_a_database_of_a_newer_version_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(SchemaFault, match="from_the_future"):
        upgrade(engine)


def test_processes_that_upgrade_at_once_take_turns(empty_database_url: str) -> None:
    engines = [create(empty_database_url) for _ in range(4)]
    faults: list[BaseException] = []

    def run(engine: Engine) -> None:
        try:
            upgrade(engine)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.dispose()
    assert faults == []


def test_what_was_committed_survives_a_power_cut(tmp_path: Path) -> None:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}")
    with engine.connect() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    engine.dispose()
    assert modes == ["wal", 2, 1]


def test_a_reference_to_what_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(
            text(
                'INSERT INTO quarantine (feed_id, "row", field, value, reason, at)'
                " VALUES (7, 1, 'x', 'x', 'x', 'x')"
            )
        )


def test_a_reader_sees_one_state_while_another_writes(engine: Engine) -> None:
    with engine.connect() as reader:
        if engine.dialect.name == "postgresql":
            reader = reader.execution_options(isolation_level="REPEATABLE READ")
        before = reader.execute(select(feeds.c.id)).all()
        with engine.begin() as writer:
            writer.execute(insert(feeds).values(FEED))
        assert reader.execute(select(feeds.c.id)).all() == before == []


def test_a_writer_that_reads_first_waits_for_the_other_one(engine: Engine) -> None:
    def add_one() -> None:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE feeds IN EXCLUSIVE MODE"))
            seen = len(connection.execute(select(feeds.c.id)).all())
            connection.execute(insert(feeds).values(FEED | {"rows_in": seen}))

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        counts = connection.execute(select(feeds.c.rows_in).order_by(feeds.c.id)).scalars().all()
    assert counts == list(range(8))


def test_a_locked_sqlite_is_busy_and_free_again_later(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bank.sqlite'}"
    engine = create(url, busy_timeout_ms=50)
    upgrade(engine)
    other = sqlite3.connect(tmp_path / "bank.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy, match="locked by another writer"), engine.begin():
        pass
    with engine.connect() as connection:
        assert connection.execute(select(feeds)).all() == []
    other.execute("ROLLBACK")
    other.close()
    with engine.begin() as connection:
        connection.execute(insert(feeds).values(FEED))
    engine.dispose()


def test_writers_of_a_sqlite_have_their_turns(tmp_path: Path) -> None:
    """One that writes again and again does not keep another one out."""
    url = f"sqlite:///{tmp_path / 'bank.sqlite'}"
    busy, other = create(url), create(url)
    upgrade(busy)
    begun, done = threading.Event(), threading.Event()

    def write_once() -> None:
        begun.set()
        with other.begin() as connection:
            connection.execute(insert(feeds).values(FEED))
        done.set()

    waiting = threading.Thread(target=write_once)
    turns_since = 0
    with busy.begin() as connection:
        connection.execute(insert(feeds).values(FEED))
        waiting.start()
        begun.wait()
    while turns_since < 5 and not done.is_set():
        with busy.begin() as connection:
            connection.execute(insert(feeds).values(FEED))
            connection.execute(text("SELECT sum(length(hex(randomblob(2000000))))"))
        turns_since += 1
    waiting.join()
    assert turns_since < 5
    busy.dispose()
    other.dispose()


def test_a_locked_postgresql_is_busy(postgres_url: str) -> None:
    patient, hasty = create(postgres_url), create(postgres_url, busy_timeout_ms=50)
    upgrade(patient)
    with patient.begin() as holder:
        holder.execute(text("LOCK TABLE feeds IN EXCLUSIVE MODE"))
        with pytest.raises(DatabaseBusy), hasty.begin() as connection:
            connection.execute(insert(feeds).values(FEED))
    patient.dispose()
    hasty.dispose()


def test_a_full_disk_is_said_and_keeps_what_was_committed(tmp_path: Path) -> None:
    engine = create(f"sqlite:///{tmp_path / 'bank.sqlite'}")
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(insert(feeds).values(FEED))
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with pytest.raises(DiskFull, match="no room"), engine.begin() as connection:
        # SQLite's own limit gives the very error of a full disk.
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.execute(insert(feeds), [FEED | {"name": "x" * 4096}] * 100)
    with engine.connect() as connection:
        assert connection.execute(select(feeds.c.name)).scalars().all() == ["a"]
    engine.dispose()


@pytest.mark.parametrize("value", [None, 0, -1, 2**63, -(10**40)])
def test_wide_integers_come_back_whole(engine: Engine, value: int | None) -> None:
    sums = Table("sums", MetaData(), Column("id", Integer, primary_key=True))
    sums.append_column(Column("total", WideInteger))
    with engine.begin() as connection:
        sums.create(connection)
        connection.execute(insert(sums).values(total=value))
        assert connection.execute(select(sums.c.total)).scalar_one() == value
