"""The index of events by batch leaves out those that are in none: one entry an event, not two."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "events_in_batches"
down_revision: str | Sequence[str] | None = "one_sided_legs"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_IN_BATCHES = sa.text("batch_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_events_batch", "events")
    op.create_index(
        "ix_events_batch",
        "events",
        ["batch_id", "leg_index"],
        sqlite_where=_IN_BATCHES,
        postgresql_where=_IN_BATCHES,
    )


def downgrade() -> None:
    op.drop_index("ix_events_batch", "events")
    op.create_index("ix_events_batch", "events", ["batch_id", "leg_index"])
