"""Day totals in the read model; indexes of what is open instead of all that is not matched.

The read model is wiped, for the node to read the chain anew when it starts: only so are its totals
those that a rebuild makes. What was accepted and posted is not touched.
"""

import sqlalchemy as sa
from alembic import op

revision = "day_totals"
down_revision = "facility_observers"

_CHAIN_TABLES = (
    "cursor", "blocks", "members", "facilities", "facility_partners", "facility_observers",
    "share_versions", "rule_versions", "facility_changes", "facility_acceptances",
    "facility_pauses", "postings", "pairs", "rejections", "accounts", "proposals", "votes",
    "member_keys", "validators", "consortium_log", "holds", "alerts", "day_closes", "resolutions",
)  # fmt: skip
_INDEXES = {
    "open": (
        ["number"],
        sa.text("status <> 'matched' AND status <> 'within_tolerance' AND action IS NULL"),
    ),
    "within_tolerance_or_resolved": (
        ["number"],
        sa.text("status = 'within_tolerance' OR action IS NOT NULL"),
    ),
    "reversals": (["facility", "partner"], sa.text("kind = 12")),
}


def upgrade() -> None:
    for table in reversed(_CHAIN_TABLES):
        op.execute(sa.table(table).delete())
    op.create_table(
        "day_totals",
        *_account_and_day(),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("lead_book", sa.Text(), nullable=True),
        sa.Column("partner_book", sa.Text(), nullable=True),
        sa.Column("agreed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("facility", "partner", "day", "kind", name=op.f("pk_day_totals")),
        comment="What moved each book by day and kind, as the contract's day totals have it.",
    )
    op.create_table(
        "day_counts",
        *_account_and_day(),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "partner", "day", "type", name=op.f("pk_day_counts")),
        comment="Pairs and duplicate legs by day and type.",
    )
    op.drop_index("ix_pairs_unmatched", "pairs")
    op.drop_index("ix_pairs_unmatched_account", "pairs")
    for name, (columns, condition) in _INDEXES.items():
        op.create_index(
            f"ix_pairs_{name}",
            "pairs",
            columns,
            sqlite_where=condition,
            postgresql_where=condition,
        )
    op.create_index("ix_day_closes_account", "day_closes", ["facility", "partner", "state", "day"])
    op.create_index("ix_rejections_account", "rejections", ["facility", "partner", "number"])
    op.create_index("ix_rejections_ref", "rejections", ["ref"])


def _account_and_day() -> tuple[sa.Column[int], ...]:
    return (
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
    )
