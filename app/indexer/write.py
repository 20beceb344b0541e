"""Bulk reading and writing of the read model, past the ORM and past SQLAlchemy's per-row work.

SQLite takes tuples by `executemany`; PostgreSQL takes them by COPY, into the table itself or into
a temporary one to join with.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Table, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from app.domain.errors import DatabaseBusy, DatabaseUnreachable, DiskFull
from app.indexer.changes import Changes
from app.indexer.errors import OtherView
from app.indexer.scan import Header
from app.indexer.state import Account, State
from app.readmodel import tables as t

_KEY = ("facility", "partner", "kind", "ref", "target_kind", "target_ref")
_KEY_TYPES = "facility bigint, partner int, kind int, ref bytea, target_kind int, target_ref bytea"
_CHANGEABLE = [column.name for column in t.pairs.columns][len(_KEY) + 1 :]


def load_pairs(
    connection: Connection,
    accounts: Mapping[tuple[int, int], Account],
    wanted: Mapping[tuple[int, int], set[bytes]],
) -> None:
    """Put the pairs of the wanted keys into their accounts, as far as there are any."""
    keys = [
        (*account, key[0], key[1:21], key[21] if len(key) > 21 else 0, key[22:])
        for account, its_keys in wanted.items()
        for key in its_keys
    ]
    if not keys:
        return
    if connection.dialect.name == "postgresql":
        # A temporary table stays for the connection's life: made anew for each block, thousands a
        # day would bloat the catalogue. By its statistics (there are none) the planner would read
        # all pairs, not look up the wanted ones.
        prepare: tuple[str, ...] = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS wanted_pairs ({_KEY_TYPES})"
            " ON COMMIT DELETE ROWS",
            "SET LOCAL enable_hashjoin = off",
            "SET LOCAL enable_mergejoin = off",
            "SET LOCAL jit = off",
        )
        join = "wanted_pairs JOIN pairs ON"
    else:
        prepare = (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS wanted_pairs ({', '.join(_KEY)})",
            "DELETE FROM wanted_pairs",
        )
        # SQLite takes a CROSS JOIN in the order in which it is written.
        join = "wanted_pairs CROSS JOIN pairs WHERE"
    for statement in prepare:
        connection.exec_driver_sql(statement)
    _insert(connection, "wanted_pairs", _KEY, keys)
    columns = ", ".join(f"pairs.{column.name}" for column in t.pairs.columns)
    matching = " AND ".join(f"pairs.{name} = wanted_pairs.{name}" for name in _KEY)
    found = connection.exec_driver_sql(f"SELECT {columns} FROM {join} {matching}")
    for row in found.all():
        kind, reference, target_kind, target = row[3], row[4], row[5], row[6]
        key = bytes((kind,)) + reference
        if target_kind:
            key += bytes((target_kind,)) + target
        accounts[row[1], row[2]].pairs[key] = list(row)
    connection.commit()


def write(connection: Connection, state: State, changes: Changes, last: Header) -> None:
    """Write a range and move the cursor to its last block.

    Raises OtherView when the cursor is not where `state` has it: another indexer moved it.
    """
    _move_cursor(connection, state, last)
    for statement in changes.rare:
        connection.execute(statement)
    _insert(connection, "blocks", _names(t.blocks), changes.blocks)
    _insert(connection, "postings", _names(t.postings), changes.postings)
    _insert(connection, "pairs", _names(t.pairs), changes.new_pairs)
    _update_pairs(connection, list(changes.changed_pairs.values()))
    _insert(connection, "rejections", _names(t.rejections), changes.rejections)
    write_accounts(connection, list(changes.accounts.values()))


def write_accounts(connection: Connection, accounts: Sequence[Account]) -> None:
    """Insert or replace accounts' rows."""
    if not accounts:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(t.accounts)
    keys = ("facility", "partner")
    changed = {name: statement.excluded[name] for name in _names(t.accounts) if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed),
        [account.row() for account in accounts],
    )


def record_incidents(
    connection: Connection, incidents: Iterable[tuple[str, str, int]], noticed_at: int
) -> None:
    """Keep incidents (what, place, block); one that is known already stays as it was."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for what, place, block in incidents:
        connection.execute(
            dialect.insert(t.incidents)
            .values(what=what, place=place, block=block, noticed_at=noticed_at)
            .on_conflict_do_nothing()
        )


def wipe(connection: Connection) -> None:
    """Forget all that the chain can tell again."""
    for table in reversed(t.CHAIN_TABLES):
        connection.execute(sqlalchemy.delete(table))


def _move_cursor(connection: Connection, state: State, last: Header) -> None:
    c = t.cursor.c
    values = {
        "block_number": last.number,
        "block_hash": last.hash,
        "block_time": last.timestamp,
    }
    if state.block_hash is None:
        try:
            connection.execute(
                insert(t.cursor).values(
                    id=1, chain_id=state.chain_id, member=state.view.member, **values
                )
            )
        except IntegrityError:
            raise _lost() from None
        return
    moved = connection.execute(
        update(t.cursor)
        .where(c.block_number == state.block_number, c.block_hash == state.block_hash)
        .values(**values)
    )
    if moved.rowcount != 1:
        raise _lost()


def _lost() -> OtherView:
    return OtherView(
        "another process has moved the cursor of this read model",
        remedy="Let one node alone run on this database",
    )


def _update_pairs(connection: Connection, rows: list[list[Any]]) -> None:
    if not rows:
        return
    skipped = len(_KEY) + 1
    if connection.dialect.name == "postgresql":
        columns = _names(t.pairs)
        connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE IF NOT EXISTS changed_pairs (LIKE pairs) ON COMMIT DELETE ROWS"
        )
        _insert(connection, "changed_pairs", columns, rows)
        changes = ", ".join(f"{name} = changed_pairs.{name}" for name in _CHANGEABLE)
        connection.exec_driver_sql(
            f"UPDATE pairs SET {changes} FROM changed_pairs"
            " WHERE pairs.number = changed_pairs.number"
        )
        return
    changes = ", ".join(f"{name} = ?" for name in _CHANGEABLE)
    connection.exec_driver_sql(
        f"UPDATE pairs SET {changes} WHERE number = ?",
        [(*row[skipped:], row[0]) for row in rows],
    )


def _insert(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows of driver-level values, in the order of `columns`."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table} ({names}) FROM STDIN", rows)
        return
    marks = ", ".join("?" * len(columns))
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({names}) VALUES ({marks})", [tuple(row) for row in rows]
    )


def _copy(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        # COPY goes past SQLAlchemy, which would have said what this means.
        where = connection.engine.url.render_as_string(hide_password=True)
        if isinstance(error, psycopg.errors.DiskFull):
            raise DiskFull(
                "no room is left for the database", where=where, remedy="Free space on that disk"
            ) from error
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
            raise DatabaseBusy(
                "the database is locked by another writer", where=where, remedy="Try again"
            ) from error
        if isinstance(error, psycopg.OperationalError):
            raise DatabaseUnreachable(
                "the database broke off the connection",
                where=where,
                remedy="Check that the server is up; the same is done again",
            ) from error
        raise


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]
