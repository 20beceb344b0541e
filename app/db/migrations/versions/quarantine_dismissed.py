"""Quarantined rows are dismissed and restored, with what the person said."""

import sqlalchemy as sa
from alembic import op

revision = "quarantine_dismissed"
down_revision = "prepared_acts"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        op.alter_column(
            "quarantine",
            "status",
            existing_type=sa.String(length=16),
            comment="faulty, ready (to be replayed), accepted, duplicate, dismissed",
        )
        op.alter_column(
            "quarantine_steps",
            "step",
            existing_type=sa.String(length=16),
            comment="mended, reread, replayed, dismissed, restored",
        )
    with op.batch_alter_table("quarantine_steps") as steps:
        steps.add_column(
            sa.Column(
                "why",
                sa.LargeBinary(),
                nullable=True,
                comment="sealed: why a person dismissed or restored it",
            )
        )
