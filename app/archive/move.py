"""Rows leave the database for an archive whose files are on disk, in short transactions.

What is deleted was read back from the file and equals the row as it is now. A row that has changed
since it was written stays, and what has left already is passed over: this can be cut short anywhere
and begun again.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from app.domain.chunks import chunks
from app.domain.errors import DatabaseBusy
from app.intake.tables import events
from app.outbox.tables import batches
from app.readmodel.archive.files import BATCHES, EVENTS, PAIRS, read_rows
from app.readmodel.archive.source import MOVING_LOCK
from app.readmodel.archive.tables import archived_pairs, archives
from app.readmodel.pairs.tables import pairs

_ROWS_A_TRANSACTION = 1_000
_WAIT_S = 30.0

Rows = Sequence[tuple[Any, ...]]


def move(engine: Engine, archive: Row[Any]) -> int:
    """Take out of the database what the files of an archive hold (its row of `archives`); returns
    how many pairs left. Raises StorageFault for a file that is not the one that was written."""
    folder = Path(archive.folder)
    moved = 0
    for name, sha256, take_out in (
        (PAIRS, archive.pairs_sha256, _pairs),
        (BATCHES, archive.batches_sha256, _batches),
        (EVENTS, archive.events_sha256, _events),
    ):
        for rows in _chunks(folder / name, sha256):
            with _moving(engine) as connection:
                moved += take_out(connection, archive.id, rows)
    with engine.begin() as connection:
        connection.execute(
            update(archives).where(archives.c.id == archive.id).values(state="whole")
        )
    return moved


def _chunks(path: Path, sha256: bytes) -> Iterator[Rows]:
    for rows in read_rows(path, sha256):
        yield from chunks(rows, _ROWS_A_TRANSACTION)


@contextmanager
def _moving(engine: Engine) -> Iterator[Connection]:
    """A transaction in which pairs change place, between those of PostgreSQL that read both places:
    it tries again and again, because one that waited would hold up the readers behind it."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        with engine.begin() as connection:
            locked = (
                connection.dialect.name != "postgresql"
                or connection.execute(select(func.pg_try_advisory_xact_lock(MOVING_LOCK))).scalar()
            )
            if locked:
                yield connection
                return
        if time.monotonic() > deadline:
            raise DatabaseBusy(
                "reports that read the archive took too long",
                remedy="Run it again: it goes on where it was",
            )
        time.sleep(0.05)


def _pairs(connection: Connection, archive: int, rows: Rows) -> int:
    c, a = pairs.c, archives.c
    # The row's lock: a rebuild, which takes all pairs back, comes wholly before or after this.
    holds = select(a.holds_pairs).where(a.id == archive).with_for_update()
    if not connection.execute(holds).scalar_one():
        return 0
    kept = {
        row.number: row
        for row in connection.execute(select(pairs).where(c.number.in_([row[0] for row in rows])))
    }
    same = [row for row in rows if tuple(kept.get(row[0], ())) == row]
    if same:
        connection.execute(delete(pairs).where(c.number.in_([row[0] for row in same])))
        ref = list(c.keys()).index("ref")
        connection.execute(
            insert(archived_pairs),
            [{"ref": row[ref], "number": row[0], "archive": archive} for row in same],
        )
    return len(same)


def _batches(connection: Connection, _: int, rows: Rows) -> int:
    for id_, calldata in rows:
        connection.execute(
            update(batches)
            .where(batches.c.id == id_, batches.c.calldata == calldata)
            .values(calldata=b"")
        )
    return 0


def _events(connection: Connection, _: int, rows: Rows) -> int:
    for id_, details in rows:
        connection.execute(
            update(events)
            .where(events.c.id == id_, events.c.details == details)
            .values(details=None)
        )
    return 0
