"""Which schema a database has, and which ones there are: said without Alembic, because nearly every
command finds its database at the newest."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, text

MIGRATIONS = Path(__file__).with_name("migrations")

_NAMED = re.compile(r'^(down_)?revision\b[^=\n]*= "(\w+)"$', re.MULTILINE)


def revision_of(connection: Connection) -> str | None:
    """The revision of a database's schema; None where it has none yet."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def stamp_newest(connection: Connection) -> None:
    """Note that a database, whose tables were just made, is at the newest revision."""
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    newest, _ = revisions()
    connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": newest})


@cache
def revisions() -> tuple[str, frozenset[str]]:
    """The newest revision of this version, and all that come before it."""
    named: set[str] = set()
    before: set[str] = set()
    for file in (MIGRATIONS / "versions").glob("*.py"):
        for down, name in _NAMED.findall(file.read_text()):
            (before if down else named).add(name)
    (newest,) = named - before
    return newest, frozenset(before)
