"""Facilities: who splits the events of shared kinds, and the first day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "facility_splits"
down_revision: str | Sequence[str] | None = "attempts_without_calldata"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        # Of facilities that were there before, the contract split all.
        facilities.add_column(
            sa.Column("split", sa.Text(), nullable=False, server_default="contract")
        )
        # 1980-01-01
        facilities.add_column(
            sa.Column("first_day", sa.Integer(), nullable=False, server_default="722815")
        )


def downgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        facilities.drop_column("first_day")
        facilities.drop_column("split")
