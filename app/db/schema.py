"""All packages' tables in one MetaData: what is migrated."""

from importlib import import_module

from sqlalchemy import MetaData

from app.db.metadata import metadata

_TABLES = (
    "app.intake.tables",
    "app.outbox.tables",
    "app.readmodel.tables",
    "app.readmodel.archive.tables",
    "app.prepared_acts.tables",
    "app.http.tables",
    "app.people.tables",
    "app.audit.tables",
    "app.worklist.tables",
    "app.alerts.tables",
    "app.webhooks.tables",
    "app.report_jobs.tables",
)


def full_metadata() -> MetaData:
    """The MetaData with every package's tables in it.

    Imported on demand: these packages import `db`, so `db` cannot import them when it is loaded.
    """
    for tables in _TABLES:
        import_module(tables)
    return metadata
