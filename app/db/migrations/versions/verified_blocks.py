"""The cursor: who may seal the next block, so that it can be verified."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "verified_blocks"
down_revision: str | Sequence[str] | None = "day_totals"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("cursor") as cursor:
        cursor.add_column(sa.Column("validators", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("cursor") as cursor:
        cursor.drop_column("validators")
