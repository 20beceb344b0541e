"""Bringing a database's schema up with Alembic."""

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from app.db.revisions import MIGRATIONS
from app.domain.errors import SchemaFault


def run_migrations(connection: Connection) -> None:
    """To the newest schema. Raises SchemaFault where the one that is there is unknown."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaFault(
            f"the database's schema is unknown to this version ({error})",
            where=connection.engine.url.render_as_string(hide_password=True),
            remedy="Run the version of Tallystick that last used this database, or a newer one",
        ) from error
