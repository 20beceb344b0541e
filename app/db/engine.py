"""Opening a bank's database, SQLite in WAL mode or PostgreSQL, and bringing it up to date.

`engine.connect()` is for reading: each statement sees a consistent state of the data, and all of
`snapshot(engine)` the same one. `engine.begin()` is for writing: it takes SQLite's write lock at
once, because a transaction that reads first and then writes would fail, not wait, when another
writer came between.
"""

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    ExceptionContext,
    create_engine,
    create_mock_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.exc import ArgumentError, ProgrammingError
from sqlalchemy.util import LRUCache

from app.db.revisions import revision_of, revisions, stamp_newest
from app.db.schema import full_metadata
from app.db.turns import Turns, turns_of
from app.db.vault import Vault, vault_option
from app.domain.errors import (
    ConfigFault,
    DatabaseBusy,
    DatabaseUnreachable,
    DiskFull,
    StorageFault,
)

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another one before `DatabaseBusy`."""

_UPGRADING = threading.Lock()
"""Alembic keeps its context in globals: one upgrade at a time in a process."""
_UPGRADE_LOCK = 0x7A11_0001
"""Any number: the advisory lock under which one process at a time upgrades a PostgreSQL."""

_MOST_COMPILED = 500  # as many as SQLAlchemy keeps for an engine

_SQLITE_CACHE_KIB = 32 * 1024
"""Of one connection, and of all of a process's together: a node has several."""

# Where a type has none registered, the driver looks for a way to adapt each single value.
sqlite3.register_adapter(bytes, bytes.__bytes__)  # a quarter cheaper to bind than by `bytes`
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(NoneType, lambda none: none)

_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_FULL = 5, 6, 13
_SQLITE_WRITE_FAILED = 778  # SQLITE_IOERR_WRITE: over a quota or a limit of file sizes
_SQLITE_UNOPENABLE = frozenset({8, 10, 14, 26})  # read-only, I/O error, cannot open, no database
_POSTGRES_BUSY = frozenset({"55P03", "40P01", "40001"})  # lock timeout, deadlock, serialisation
_POSTGRES_FULL = "53100"
_POSTGRES_READ_ONLY = "25006"  # a standby, or a server that was set so when its disk ran full
_POSTGRES_DENIED = "42501"

_SEARCH_PATH = re.compile(r"-c\s*search_path\s*=\s*(\S*)")
_SCHEMA_NAME = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")


class _WriterEngine(Engine):
    """An engine whose `begin()` is a writer from the start."""

    turns: Turns | None = None
    """Of a SQLite's writers."""
    busy_timeout_s = 0.0

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with ExitStack() as held:
            if self.turns is not None:
                if not self.turns.take(self.busy_timeout_s):
                    raise _busy(self.url.render_as_string(hide_password=True))
                held.callback(self.turns.give)
            connection = held.enter_context(self.connect()).execution_options(writer=True)
            with connection.begin():
                yield connection


def create(
    url: str, *, vault: Vault | None = None, busy_timeout_ms: int = BUSY_TIMEOUT_MS
) -> Engine:
    """Open the database at an SQLAlchemy URL (`sqlite:///path` or `postgresql://...`).

    A PostgreSQL URL with `options=-csearch_path%3DNAME` means that schema of the database and
    nothing else of it; `upgrade` makes it where it is not there.

    `vault` opens what is encrypted in it; without one, those columns can be neither read nor
    written. Nothing is connected to before the first use. Its errors are
    `domain.errors.StorageFault`s.
    Raises ConfigFault for a URL that cannot be used.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigFault("the database URL cannot be read", remedy=_URL_REMEDY) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ConfigFault("an SQLite database needs a file", remedy=_URL_REMEDY)
        opened = create_engine(parsed)
        _prepare_sqlite(opened, busy_timeout_ms)
    elif backend == "postgresql":
        schema_of(parsed)
        asked = parsed.query.get("options", "")
        opened = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": max(1, busy_timeout_ms // 1000),
                "options": f"{asked} -c lock_timeout={busy_timeout_ms} -c timezone=UTC",
            },
        )
    else:
        raise ConfigFault(f"{backend} is not a database we know", remedy=_URL_REMEDY)
    # Parameters hold the customers' details; errors and logs must not.
    options: dict[str, Any] = dict(vault_option(vault))
    dialect = opened.dialect
    if backend == "sqlite":
        dialect, options["compiled_cache"] = _sqlite()
    engine = _WriterEngine(
        opened.pool, dialect, opened.url, hide_parameters=True, execution_options=options
    )
    if backend == "sqlite":
        event.listen(engine, "begin", _begin_sqlite)
        engine.turns = turns_of(Path(parsed.database or ""))
        engine.busy_timeout_s = busy_timeout_ms / 1000
    event.listen(engine, "handle_error", _translate)
    return engine


@cache
def _sqlite() -> tuple[Dialect, LRUCache[Any, Any]]:
    """SQLite's dialect, and what statements were compiled to for it: the same for every file of a
    process. Each engine would compile all statements again."""
    any_file = create_engine("sqlite://")
    any_file.connect().close()  # it asks the library for its version
    any_file.dispose()
    return any_file.dialect, LRUCache(_MOST_COMPILED)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection for reading whose statements all see the same data, as SQLite's do anyway."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def schema_of(url: URL) -> str | None:
    """The PostgreSQL schema that a URL names; None where it names none, or is SQLite's.

    Raises ConfigFault for what is not just one name: a second schema on the path would be read,
    and migrated, instead of a first that lacks a table.
    """
    found = _SEARCH_PATH.findall(str(url.query.get("options", "")))
    if not found:
        return None
    if len(found) > 1 or not _SCHEMA_NAME.fullmatch(found[0]):
        raise ConfigFault(
            "the database URL's search_path is not the name of one schema",
            remedy="Give `database_schema` in bank.toml: small letters, digits and _ (not pg_...)",
        )
    return str(found[0])


_URL_REMEDY = "Give sqlite:///relative/path, sqlite:////absolute/path or postgresql://user@host/db"


def _prepare_sqlite(engine: Engine, busy_timeout_ms: int) -> None:
    @event.listens_for(engine.pool, "connect")
    def _(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own implicit BEGIN would come late and never be IMMEDIATE.
        connection.isolation_level = None
        # Its own knows the letters of ASCII only.
        connection.create_function("lower", 1, _lower, deterministic=True)
        connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was answered as accepted must survive a power cut, too.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # The default of 2 MB is too little for indexes whose keys are hashes.
        connection.execute(f"PRAGMA cache_size = -{_SQLITE_CACHE_KIB}")
        connection.execute(f"PRAGMA soft_heap_limit = {_SQLITE_CACHE_KIB * 1024}")


def _lower(text: str | bytes | float | None) -> str | bytes | float | None:
    return text.lower() if isinstance(text, str) else text


def _begin_sqlite(connection: Connection) -> None:
    writer = connection.get_execution_options().get("writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


def _translate(context: ExceptionContext) -> None:
    """Raise what a person can act on instead of the driver's error."""
    error = context.original_exception
    where = context.engine.url.render_as_string(hide_password=True) if context.engine else ""
    fault: StorageFault | None = None
    if isinstance(error, sqlite3.Error):
        whole = getattr(error, "sqlite_errorcode", 0)
        code = whole & 0xFF
        if code in (_SQLITE_BUSY, _SQLITE_LOCKED):
            fault = _busy(where)
        elif code == _SQLITE_FULL or whole == _SQLITE_WRITE_FAILED:
            fault = _full(where)
        elif code in _SQLITE_UNOPENABLE:
            remedy = "Check that the folder exists and may be written"
            fault = _unreachable(where, str(error), remedy)
    elif context.dialect.name == "postgresql":
        state = getattr(error, "sqlstate", None)
        if state in _POSTGRES_BUSY:
            fault = _busy(where)
        elif state == _POSTGRES_FULL:
            fault = _full(where)
        elif state == _POSTGRES_READ_ONLY:
            fault = _unreachable(where, "it may only be read", _SERVER_REMEDY)
        elif context.is_disconnect or context.connection is None:
            fault = _unreachable(where, str(error).splitlines()[0], _SERVER_REMEDY)
    if fault is not None:
        raise fault from error


def _busy(where: str) -> StorageFault:
    return DatabaseBusy(
        "the database is locked by another writer",
        where=where,
        remedy="Try again; if it stays, look for a process that holds a transaction open",
    )


def _full(where: str) -> StorageFault:
    return DiskFull(
        "no room is left for the database",
        where=where,
        remedy="Free space on that disk; what was answered as accepted is kept",
    )


_SERVER_REMEDY = (
    "Check that the server is up and takes writes, and that the database is there "
    "(`createdb NAME` makes it) and open to this user"
)


def _unreachable(where: str, why: str, remedy: str) -> StorageFault:
    return DatabaseUnreachable(f"the database cannot be used ({why})", where=where, remedy=remedy)


SchemaState = Literal["empty", "older", "current", "newer"]


def schema_state(engine: Engine) -> SchemaState:
    """How the database's schema stands to this version's; nothing is changed.

    Raises StorageFault when the database cannot be read.
    """
    with engine.connect() as connection:
        at = revision_of(connection)
    if at is None:
        return "empty"
    newest, older = revisions()
    if at == newest:
        return "current"
    return "older" if at in older else "newer"


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema; safe to call from several processes at once.

    Raises SchemaFault for a database that a newer Tallystick has upgraded further, and ConfigFault
    where the PostgreSQL schema that the URL names is missing and may not be made.
    """
    if schema_state(engine) == "current":
        return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            _make_schema(connection, schema_of(engine.url))
        # Only now: a server that does not answer must not hold up another database's upgrade.
        with _UPGRADING:
            if not inspect(connection).get_table_names():  # nothing to migrate
                for statement in _table_statements(engine.url.drivername):
                    connection.exec_driver_sql(statement)
                stamp_newest(connection)
                return
            # Alembic takes as long to load as a short command takes to run.
            from app.db.migrate import run_migrations

            run_migrations(connection)


@cache
def _table_statements(driver: str) -> tuple[str, ...]:
    """What makes all tables, once a process: putting them into words takes longer than making them,
    and of each SQLAlchemy would ask first whether it is there."""
    made: list[str] = []
    writer: MockConnection = create_mock_engine(
        f"{driver}://", lambda ddl, *_: made.append(str(ddl.compile(dialect=writer.dialect)))
    )
    full_metadata().create_all(writer, checkfirst=False)
    return tuple(made)


def _make_schema(connection: Connection, name: str | None) -> None:
    there = text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
    if name is None or connection.execute(there, {"name": name}).scalar_one():
        return
    try:
        connection.execute(text(f'CREATE SCHEMA "{name}"'))  # the name is checked: letters alone
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _POSTGRES_DENIED:
            raise
        raise ConfigFault(
            f"the database has no schema {name}, and this user may not make one",
            where=connection.engine.url.render_as_string(hide_password=True),
            remedy=f"Let its owner run: CREATE SCHEMA {name} AUTHORIZATION "
            f"{connection.engine.url.username}",
        ) from None
