"""Facilities: who splits the events of shared kinds, and the first day."""

import sqlalchemy as sa
from alembic import op

revision = "facility_splits"
down_revision = "attempts_without_calldata"


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
