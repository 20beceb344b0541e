"""The migrations are one line: two branches that each bring one are seen before they land."""

from alembic.script import ScriptDirectory

from app.db.revisions import MIGRATIONS, revisions

_SCRIPTS = ScriptDirectory(str(MIGRATIONS))


def test_one_migration_follows_the_other() -> None:
    assert len(_SCRIPTS.get_heads()) == 1
    assert [one.revision for one in _SCRIPTS.walk_revisions() if one.is_branch_point] == []


def test_revisions_are_read_as_alembic_reads_them() -> None:
    """An older revision that was taken for the newest would leave databases without a table."""
    newest, before = revisions()
    assert newest == _SCRIPTS.get_current_head()
    assert before | {newest} == {one.revision for one in _SCRIPTS.walk_revisions()}
