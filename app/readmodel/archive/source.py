"""Pairs wherever they are: in the table, or in an archive's file.

An archive holds only pairs that are matched, unresolved, and neither reversals nor reversed. What
of them a query needs is put into a temporary table, which has the columns of `pairs`.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    FromClause,
    Integer,
    MetaData,
    Table,
    and_,
    func,
    select,
    union_all,
)

from app.db.bulk import insert_rows
from app.domain.chunks import chunks
from app.readmodel.archive.files import PAIRS, read_rows
from app.readmodel.archive.tables import archived_pairs, archives
from app.readmodel.pairs.tables import pairs, rejections

MOVING_LOCK = 0x7A11_0003
"""Any number: the advisory lock of PostgreSQL that keeps a pair from moving into an archive while a
transaction reads both. SQLite's read one snapshot anyway."""
_REFS_AT_A_TIME = 500


def last_number(connection: Connection) -> int:
    """The newest number of a pair or a rejection; 0 before the first."""
    kept = (pairs.c.number, rejections.c.number, archives.c.last_number)
    return max(connection.execute(select(func.max(one))).scalar() or 0 for one in kept)


def with_archive(
    connection: Connection,
    *,
    facility: int | None = None,
    first: int | None = None,
    last: int | None = None,
    refs: Collection[bytes] | None = None,
) -> FromClause:
    """Pairs with those that an archive holds: of a facility, that moved a book between two days
    (ordinals, both included), or of these references; the table itself where none does."""
    found = archived(connection, facility=facility, first=first, last=last, refs=refs)
    if found is None:
        return pairs
    return union_all(select(pairs), select(found)).subquery("pairs_and_archive")


def archived(
    connection: Connection,
    *,
    facility: int | None = None,
    first: int | None = None,
    last: int | None = None,
    since: int = 0,
    before: int | None = None,
    refs: Collection[bytes] | None = None,
) -> FromClause | None:
    """Archived pairs with the columns of `pairs`: of numbers from `since` to before `before`, or
    as `with_archive` has it; None where no archive can hold one. Others may be among them."""
    a = archives.c
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(MOVING_LOCK))).all()
    conditions = [a.holds_pairs, a.last_number >= since]
    if facility is not None:
        conditions.append(a.facility == facility)
    if first is not None:
        conditions.append(a.last_day >= first)
    if last is not None:
        conditions.append(a.first_day <= last)
    if before is not None:
        conditions.append(a.first_number < before)
    held = connection.execute(select(archives).where(*conditions).order_by(a.id)).all()
    if not held:
        return None
    numbers = None if refs is None else _numbers(connection, refs)
    target = _temporary(connection)
    columns = target.columns.keys()
    for archive in held:
        wanted = None if numbers is None else numbers.get(archive.id, ())
        if wanted is not None and not wanted:
            continue
        for rows in read_rows(
            Path(archive.folder, PAIRS),
            archive.pairs_sha256,
            numbers=wanted,
            since=since,
            before=before,
        ):
            insert_rows(connection, target.name, columns, [(*row, archive.id) for row in rows])
    k = archived_pairs.c
    return (
        select(*(target.c[one.name] for one in pairs.columns))
        .join(
            archived_pairs,
            and_(
                k.ref == target.c.ref,
                k.number == target.c.number,
                k.archive == target.c.archive,
            ),
        )
        .subquery("archived")
    )


def holds_pairs(connection: Connection) -> bool:
    """Whether a pair may lie in an archive."""
    return (
        connection.execute(select(archives.c.id).where(archives.c.holds_pairs)).first() is not None
    )


def rows_by_ref(connection: Connection, refs: Collection[bytes]) -> list[tuple[Any, ...]]:
    """The archived pairs of these references, in the order of the columns of `pairs`."""
    held = {row.id: row for row in connection.execute(select(archives))}
    return [
        row
        for archive, numbers in _numbers(connection, refs).items()
        for rows in read_rows(
            Path(held[archive].folder, PAIRS), held[archive].pairs_sha256, numbers=numbers
        )
        for row in rows
    ]


def _numbers(connection: Connection, refs: Collection[bytes]) -> dict[int, list[int]]:
    """The numbers of the archived pairs of these references, by archive."""
    found: dict[int, list[int]] = {}
    for chunk in chunks(refs, _REFS_AT_A_TIME):
        for row in connection.execute(
            select(archived_pairs).where(archived_pairs.c.ref.in_(chunk))
        ):
            found.setdefault(row.archive, []).append(row.number)
    return found


def _temporary(connection: Connection) -> Table:
    """An empty table that lasts as long as the transaction at hand; one for each query, as several
    may be read beside each other."""
    count = connection.info["archive_queries"] = connection.info.get("archive_queries", 0) + 1
    name = f"archived_{count}"
    drop = "ON COMMIT DROP" if connection.dialect.name == "postgresql" else ""
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {name} {drop} AS SELECT *, 0 AS archive FROM pairs WHERE 1 = 0",
        execution_options={"stream_results": False},  # the reader's are its connection's
    )
    columns = [Column(one.name, one.type) for one in pairs.columns]
    return Table(name, MetaData(), *columns, Column("archive", Integer))
