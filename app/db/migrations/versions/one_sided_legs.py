"""Pairs: the one-sided legs of either side are found by account, amount and value date."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "one_sided_legs"
down_revision: str | Sequence[str] | None = "quarantine_work"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for missing, side in (("partner", "lead"), ("lead", "partner")):
        where = sa.text(f"status = 'open' AND {missing}_amount IS NULL")
        op.create_index(
            f"ix_pairs_missing_at_{missing}",
            "pairs",
            ["facility", "partner", f"{side}_amount", f"{side}_value_day"],
            sqlite_where=where,
            postgresql_where=where,
        )


def downgrade() -> None:
    op.drop_index("ix_pairs_missing_at_lead", "pairs")
    op.drop_index("ix_pairs_missing_at_partner", "pairs")
