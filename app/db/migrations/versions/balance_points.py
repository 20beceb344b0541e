"""Points of each account's curve in the read model.

The read model is wiped, for the node to read the chain anew when it starts: only so are its points
those that a rebuild makes. What was accepted and posted is not touched.
"""

import sqlalchemy as sa
from alembic import op

revision = "balance_points"
down_revision = "people"

_CHAIN_TABLES = (
    "cursor", "blocks", "members", "facilities", "facility_partners", "facility_observers",
    "share_versions", "rule_versions", "facility_changes", "facility_acceptances",
    "facility_pauses", "postings", "pairs", "rejections", "accounts", "day_totals", "day_counts",
    "proposals", "votes", "member_keys", "validators", "consortium_log", "holds", "alerts",
    "day_closes", "resolutions", "reasons",
)  # fmt: skip


def upgrade() -> None:
    for table in reversed(_CHAIN_TABLES):
        op.execute(sa.table(table).delete())
    op.create_table(
        "balance_points",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lead_book", sa.Text(), nullable=False),
        sa.Column("partner_book", sa.Text(), nullable=False),
        sa.Column("agreed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "partner", "at", name=op.f("pk_balance_points")),
        comment="The books at the end of every five minutes in which a block moved them.",
    )
