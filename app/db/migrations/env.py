"""Alembic's entry: runs migrations on the connection that `db.engine.upgrade` hands over."""

import tempfile
from pathlib import Path

from alembic import context
from sqlalchemy import Connection

from app.db.engine import create
from app.db.schema import full_metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=full_metadata(),
        # SQLite alters a table only by copying it.
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_on_scratch() -> None:
    """Compare the declared tables with a database at the newest migration (developers only)."""
    from app.db.engine import upgrade

    with tempfile.TemporaryDirectory() as folder:
        engine = create(f"sqlite:///{Path(folder) / 'scratch.sqlite'}")
        upgrade(engine)
        with engine.begin() as connection:
            _run(connection)
        engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    _run_on_scratch()
else:
    _run(given)
