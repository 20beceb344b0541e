"""The cursor: who may seal the next block, so that it can be verified."""

import sqlalchemy as sa
from alembic import op

revision = "verified_blocks"
down_revision = "day_totals"


def upgrade() -> None:
    with op.batch_alter_table("cursor") as cursor:
        cursor.add_column(sa.Column("validators", sa.Text(), nullable=True))
