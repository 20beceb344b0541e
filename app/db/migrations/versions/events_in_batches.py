"""The index of events by batch leaves out those that are in none: one entry an event, not two."""

import sqlalchemy as sa
from alembic import op

revision = "events_in_batches"
down_revision = "one_sided_legs"

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
