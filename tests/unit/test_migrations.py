"""The migrations are one line: two branches that each bring one are seen before they land. And the
page of the database names every table."""

from pathlib import Path

from alembic.script import ScriptDirectory

from app.db.revisions import MIGRATIONS, revisions
from app.db.schema import full_metadata

_SCRIPTS = ScriptDirectory(str(MIGRATIONS))


def test_one_migration_follows_the_other() -> None:
    assert len(_SCRIPTS.get_heads()) == 1
    assert [one.revision for one in _SCRIPTS.walk_revisions() if one.is_branch_point] == []


def test_revisions_are_read_as_alembic_reads_them() -> None:
    """An older revision that was taken for the newest would leave databases without a table."""
    newest, before = revisions()
    assert newest == _SCRIPTS.get_current_head()
    assert before | {newest} == {one.revision for one in _SCRIPTS.walk_revisions()}


def test_the_page_of_the_database_names_every_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "read-model.md").read_text()
    tables = full_metadata().sorted_tables
    assert [one.name for one in tables if f"`{one.name}`" not in page] == []
