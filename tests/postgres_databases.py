"""PostgreSQL databases with today's tables, for one test after the other.

Copying the tables takes a third of a second of CPU, emptying what a test has filled a fifth
of that.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.postgres import Cluster

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
_SHAPE = f"""
    SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
        SELECT format('%s.%s %s %s %s %s', n.nspname, c.relname, c.relkind, c.relnatts,
                      c.reloptions, c.relacl) AS line
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OURS}
        UNION ALL SELECT 'schema ' || n.nspname FROM pg_namespace n
        UNION ALL SELECT 'constraint ' || conname FROM pg_constraint
        UNION ALL SELECT format('function %s', p.oid::regprocedure)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OURS}
        UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'analysed ' || starelid FROM pg_statistic WHERE starelid >= 16384
        UNION ALL SELECT 'setting ' || s.setconfig::text
        FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database()
        UNION ALL SELECT 'version ' || version_num FROM alembic_version
    ) AS lines
"""
"""Of all in a database that tests might change but for rows."""


class Databases:
    """Copies of `template`, which are used again where a test has changed rows alone."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster = cluster
        self._template = template
        self._free: list[str] = []
        with psycopg.connect(cluster.url(template), autocommit=True) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            tables = [
                name
                for (name,) in connection.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                )
                if name != "alembic_version"
            ]
        filled = [
            sql.SQL("CASE WHEN EXISTS (SELECT FROM {}) THEN {} END").format(
                sql.Identifier(name), sql.Literal(name)
            )
            for name in tables
        ]
        self._filled = sql.SQL("SELECT array_remove(ARRAY[{}], NULL)").format(
            sql.SQL(", ").join(filled)
        )

    @contextmanager
    def one(self) -> Iterator[str]:
        """The URL of a database for one test, empty but for its tables."""
        name = self._free.pop() if self._free else self._copy()
        yield self._cluster.url(name)
        if self._emptied(name):
            self._free.append(name)
        else:
            self._on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _copy(self) -> str:
        name = f"test_{uuid.uuid4().hex}"
        self._on_server(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY FILE_COPY")
        return name

    def _emptied(self, name: str) -> bool:
        """Whether a database is as it was copied, once its rows are gone."""
        try:
            with psycopg.connect(self._cluster.url(name), autocommit=True) as connection:
                connection.execute("SET lock_timeout = '10s'")
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                if connection.execute(_SHAPE).fetchone() != self._shape:
                    return False
                found = connection.execute(self._filled).fetchone()
                if found and found[0]:
                    names = sql.SQL(", ").join(map(sql.Identifier, found[0]))
                    connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
                used = connection.execute(
                    "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"
                ).fetchall()
                for (sequence,) in used:
                    connection.execute(
                        sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(sequence))
                    )
        except psycopg.Error:  # a test may have ended the server, or taken the database away
            return False
        return True

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self._cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)
