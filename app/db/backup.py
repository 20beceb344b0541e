"""A copy of an SQLite database that is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from app.domain.errors import StorageFault, UsageFault


def copy_sqlite(source: Path, target: Path) -> int:
    """Copy a database as it stands at one moment, while others write to it; returns its bytes.

    The copy is whole or not there, checked, and readable by its owner alone. Raises UsageFault
    when `target` is there already, StorageFault when it cannot be made.
    """
    if target.exists():
        raise UsageFault(
            "is there already; a backup is never overwritten",
            where=str(target),
            remedy="Give another name",
        )
    making = target.with_name(target.name + ".new")
    try:
        making.unlink(missing_ok=True)
        os.close(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as running,
            closing(sqlite3.connect(making)) as copy,
        ):
            running.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise StorageFault(
                f"the copy is damaged ({verdict})",
                where=str(making),
                remedy="Look at the disk; the database itself may be damaged, too",
            )
        with making.open("rb") as file:
            os.fsync(file.fileno())
        making.rename(target)
    except (OSError, sqlite3.Error) as fault:
        making.unlink(missing_ok=True)
        raise StorageFault(
            f"the copy could not be made ({fault})",
            where=str(target),
            remedy="Check that the folder exists, may be written and has room",
        ) from None
    return target.stat().st_size
