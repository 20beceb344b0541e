"""All rooms' tables in one MetaData: what is migrated and created."""

from importlib import import_module

from sqlalchemy import MetaData

from app.db.metadata import metadata

_ROOMS = ("app.intake.tables", "app.outbox.tables", "app.readmodel.tables", "app.api.tables")


def full_metadata() -> MetaData:
    """The MetaData with every room's tables in it.

    Imported on demand: the rooms import `db`, so `db` cannot import them when it is loaded.
    """
    for room in _ROOMS:
        import_module(room)
    return metadata
