"""`tally backup`: a copy of a bank's database, made while its node works."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from app.cli.shared.console import stderr
from app.cli.shared.reading import OwnConfig
from app.config import load_config
from app.db.backup import copy_sqlite
from app.db.engine import schema_of
from app.domain.errors import UsageFault


def backup(
    target: Annotated[Path, typer.Argument(help="The file to make; it must not be there yet.")],
    config: OwnConfig,
) -> None:
    """Copy the bank's SQLite database while its node works; PostgreSQL has pg_dump for that.

    The keys are not in it: keep a copy of the keys folder apart, and elsewhere. docs/runbook.md
    tells how to restore.

    Example:

      tally backup /backup/webank-2026-03-02.db --config bank.toml
    """
    url = make_url(load_config(config).database_url)
    if url.get_backend_name() != "sqlite":
        schema = schema_of(url)
        only = f"--schema={schema} " if schema else ""
        server = url.difference_update_query(["options"]).set(drivername="postgresql")
        raise UsageFault(
            "this bank's database is a PostgreSQL",
            where=str(config),
            remedy=f"Run pg_dump --format=custom {only}--file={target} "
            f"{server.render_as_string(hide_password=True)}",
        )
    size = copy_sqlite(Path(url.database or ""), target)
    stderr.print(f"{target}: {size:,} bytes")
