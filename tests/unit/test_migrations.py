"""The migrations are one line: two branches that each bring one are seen before they land."""

from alembic.script import ScriptDirectory

from app.db.engine import _MIGRATIONS


def test_one_migration_follows_the_other() -> None:
    scripts = ScriptDirectory(str(_MIGRATIONS))
    assert len(scripts.get_heads()) == 1
    assert [one.revision for one in scripts.walk_revisions() if one.is_branch_point] == []
