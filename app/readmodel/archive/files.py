"""The Parquet files of an archive: rows of a table, in the order of their first column, its key.

pairs.parquet has the columns of the table `pairs`: amounts are integers in minor units, days
ordinals (1 = 0001-01-01), times seconds since 1970 UTC. batches.parquet has the calldata of this
bank's own batches, events.parquet the details of its events, sealed as they were in the database.
"""

import hashlib
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.domain.errors import StorageFault

PAIRS, BATCHES, EVENTS = "pairs.parquet", "batches.parquet", "events.parquet"
ROWS_A_GROUP = 10_000
"""What is read at least, to find one row."""

_REMEDY = "Put the archive's folder back from its backup; `tally archive verify` checks all of it"


def sha256_of(path: Path) -> bytes:
    """Raises StorageFault where the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as fault:
        raise _unreadable(path, fault) from fault


def read_rows(
    path: Path,
    sha256: bytes,
    *,
    numbers: Collection[int] | None = None,
    since: int = 0,
    before: int | None = None,
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of a file, at most a group at a time: those with a key of `numbers`, or with one from
    `since` to before `before`. Raises StorageFault where it is not the file that was written."""
    # Here: it takes as long to load as a short command takes to run, and most never come here.
    import pyarrow.parquet as pq

    _check(path, sha256)
    wanted = None if numbers is None else sorted(numbers)
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            bounds = file.metadata.row_group(group).column(0).statistics
            if bounds.max < since or (before is not None and bounds.min >= before):
                continue
            if wanted is not None and not any(bounds.min <= one <= bounds.max for one in wanted):
                continue
            columns = file.read_row_group(group).columns
            rows = list(zip(*(one.to_pylist() for one in columns), strict=True))
            if wanted is not None:
                chosen = set(wanted)
                rows = [row for row in rows if row[0] in chosen]
            elif bounds.min < since or (before is not None and bounds.max >= before):
                rows = [row for row in rows if since <= row[0] and (not before or row[0] < before)]
            if rows:
                yield rows


def _check(path: Path, sha256: bytes) -> None:
    try:
        stat = path.stat()
    except OSError as fault:
        raise _unreadable(path, fault) from fault
    if _sha256_once(path, stat.st_ino, stat.st_size, stat.st_mtime_ns) != sha256:
        raise StorageFault(
            "this file of the archive is not the one that was written",
            where=str(path),
            remedy=_REMEDY,
        )


def _unreadable(path: Path, fault: OSError) -> StorageFault:
    return StorageFault(
        f"this file of the archive cannot be read ({fault.strerror})",
        where=str(path),
        remedy=_REMEDY,
    )


@lru_cache(1024)
def _sha256_once(path: Path, _inode: int, _size: int, _changed: int) -> bytes:
    """Of a file that stayed as it was: a process reads it through once."""
    return sha256_of(path)
