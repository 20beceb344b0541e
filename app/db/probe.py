"""Whether a database can be written to, and the room that it has left."""

import shutil
from pathlib import Path

from sqlalchemy import Engine, text


def check_writable(engine: Engine) -> None:
    """Write, and take it back. Raises StorageFault when that cannot be done, or not in time."""
    with engine.connect() as connection:
        connection = connection.execution_options(writer=True)
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
        connection.rollback()


def free_disk_bytes(engine: Engine, otherwise: Path) -> int:
    """Room on the disk where SQLite's file lies, else (a server keeps it) on that of `otherwise`.

    Raises OSError where that folder is not.
    """
    is_file = engine.url.get_backend_name() == "sqlite"
    folder = Path(engine.url.database or "").absolute().parent if is_file else otherwise
    return shutil.disk_usage(folder).free
