"""The calldata of this bank's batches that lie in an archive, and are empty in the table."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from app.outbox.tables import batches
from app.readmodel.archive.files import BATCHES, read_rows
from app.readmodel.archive.tables import archives


def archived_calldata(
    connection: Connection, facility: int, ids: Collection[int]
) -> Iterator[tuple[Any, ...]]:
    """Id and calldata of those batches of a facility (its number) that an archive holds. Raises
    StorageFault where its file is not the one that was written."""
    if not ids:
        return
    a = archives.c
    for archive in connection.execute(
        select(archives).where(a.facility == facility, a.batches_sha256.is_not(None))
    ).all():
        path = Path(archive.folder, BATCHES)
        for rows in read_rows(path, archive.batches_sha256, numbers=ids):
            yield from rows


def take_back_calldata(connection: Connection, facility: int, ids: Collection[int]) -> None:
    """Put it into the table again, to be sent again."""
    empty = connection.execute(
        select(batches.c.id).where(batches.c.id.in_(ids), batches.c.calldata == b"")
    ).scalars()
    change = update(batches).where(batches.c.id == bindparam("batch"))
    for id_, calldata in archived_calldata(connection, facility, empty.all()):
        connection.execute(change.values(calldata=calldata), {"batch": id_})
