"""Attempts leave out the calldata, which their batches hold; those of before stay whole."""

import sqlalchemy as sa
from alembic import op

revision = "attempts_without_calldata"
down_revision = "terms_hash"


def upgrade() -> None:
    op.add_column(
        "attempts",
        sa.Column(
            "calldata_at",
            sa.Integer(),
            nullable=True,
            comment="where the batch's calldata, left out here, belongs; null: nothing is",
        ),
    )
