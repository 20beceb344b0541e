"""Pairs: the one-sided legs of either side are found by account, amount and value date."""

import sqlalchemy as sa
from alembic import op

revision = "one_sided_legs"
down_revision = "quarantine_work"


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
