"""Pairs: the shares that a lead's stated part is held against.

Legs that were read before have none: `tally rebuild` makes the view anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "stated_shares"
down_revision = "events_in_batches"

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
