"""Resolved pairs in an index of their own: those within tolerance grow with the history."""

import sqlalchemy as sa
from alembic import op

revision = "resolved_pairs"
down_revision = "answered_requests"

_INDEXES = {
    "ix_pairs_within_tolerance": "status = 'within_tolerance' AND action IS NULL",
    "ix_pairs_resolved": "action IS NOT NULL",
}


def upgrade() -> None:
    for name, condition in _INDEXES.items():
        where = sa.text(condition)
        op.create_index(name, "pairs", ["number"], sqlite_where=where, postgresql_where=where)
    op.drop_index("ix_pairs_within_tolerance_or_resolved", "pairs")
