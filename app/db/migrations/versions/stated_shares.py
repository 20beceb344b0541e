"""Pairs: the shares that a lead's stated part is held against.

Legs that were read before have none: `tally rebuild` makes the view anew.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "stated_shares"
down_revision: str | Sequence[str] | None = "events_in_batches"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATED = sa.text("stated_shares IS NOT NULL")


def upgrade() -> None:
    op.add_column("pairs", sa.Column("stated_shares", sa.SmallInteger(), nullable=True))
    op.create_index(
        "ix_pairs_stated",
        "pairs",
        ["facility", "lead_business_day"],
        sqlite_where=_STATED,
        postgresql_where=_STATED,
    )


def downgrade() -> None:
    op.drop_index("ix_pairs_stated", "pairs")
    with op.batch_alter_table("pairs") as pairs:
        pairs.drop_column("stated_shares")
