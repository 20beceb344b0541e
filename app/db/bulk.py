"""Many rows into a table at once, past the ORM and past SQLAlchemy's per-row work: SQLite takes
tuples by `executemany`, PostgreSQL by COPY."""

from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection

from app.domain.errors import DatabaseBusy, DatabaseUnreachable, DiskFull


def insert_rows(
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
    connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))


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
