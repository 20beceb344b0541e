"""Facilities keep the bounds of their shares."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "facility_changes"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        for column in ("least_lead_bps", "largest_partner_bps"):
            # Facilities that were there before had no bounds.
            facilities.add_column(
                sa.Column(column, sa.Integer(), nullable=False, server_default="0")
            )


def downgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        facilities.drop_column("largest_partner_bps")
        facilities.drop_column("least_lead_bps")
