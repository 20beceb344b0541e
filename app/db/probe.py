"""Which database one is, whether it can be written to, and the disk space that it has left."""

import shutil
from pathlib import Path

from sqlalchemy import Engine, text


def identity(engine: Engine) -> tuple[object, ...]:
    """The same for every address of one and the same database (and schema of it), as long as its
    server runs. Raises StorageFault where it cannot be asked."""
    if engine.url.get_backend_name() == "sqlite":
        file = Path(engine.url.database or "").stat()
        return file.st_dev, file.st_ino
    with engine.connect() as connection:
        return tuple(
            connection.execute(
                text(
                    "SELECT pg_postmaster_start_time()::text, d.oid, n.oid "
                    "FROM pg_database d, pg_namespace n "
                    "WHERE d.datname = current_database() AND n.nspname = current_schema()"
                )
            ).one()
        )


def check_writable(engine: Engine) -> None:
    """Write, and take it back. Raises StorageFault when that cannot be done, or not in time."""
    with engine.connect() as connection:
        connection = connection.execution_options(writer=True)
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
        connection.rollback()


def free_disk_bytes(engine: Engine, otherwise: Path) -> int:
    """Free space on the disk of SQLite's file, else (a server keeps it) on that of `otherwise`.

    Raises OSError where that folder is not.
    """
    is_file = engine.url.get_backend_name() == "sqlite"
    folder = Path(engine.url.database or "").absolute().parent if is_file else otherwise
    return shutil.disk_usage(folder).free
