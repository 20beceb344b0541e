"""Day totals in the read model; indexes of what is open instead of all that is not matched.

The read model is wiped, for the node to read the chain anew when it starts: only so are its totals
those that a rebuild makes. What was accepted and posted is not touched.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "day_totals"
down_revision: str | Sequence[str] | None = "facility_observers"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHAIN_TABLES = (
    "cursor", "blocks", "members", "facilities", "facility_partners", "facility_observers",
    "share_versions", "rule_versions", "facility_changes", "facility_acceptances",
    "facility_pauses", "postings", "pairs", "rejections", "accounts", "proposals", "votes",
    "member_keys", "validators", "consortium_log", "holds", "alerts", "day_closes", "resolutions",
)  # fmt: skip
_UNMATCHED = sa.text("status <> 'matched'")
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
_INDEXES_BEFORE = {
    "unmatched": (["number"], _UNMATCHED),
    "unmatched_account": (["facility", "partner", "number"], _UNMATCHED),
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
    _index(_INDEXES_BEFORE, _INDEXES)
    op.create_index("ix_day_closes_account", "day_closes", ["facility", "partner", "state", "day"])
    op.create_index("ix_rejections_account", "rejections", ["facility", "partner", "number"])
    op.create_index("ix_rejections_ref", "rejections", ["ref"])


def downgrade() -> None:
    op.drop_index("ix_rejections_ref", "rejections")
    op.drop_index("ix_rejections_account", "rejections")
    op.drop_index("ix_day_closes_account", "day_closes")
    _index(_INDEXES, _INDEXES_BEFORE)
    op.drop_table("day_counts")
    op.drop_table("day_totals")


def _account_and_day() -> tuple[sa.Column[int], ...]:
    return (
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
    )


def _index(
    before: dict[str, tuple[list[str], sa.TextClause]],
    after: dict[str, tuple[list[str], sa.TextClause]],
) -> None:
    for name in before:
        op.drop_index(f"ix_pairs_{name}", "pairs")
    for name, (columns, condition) in after.items():
        op.create_index(
            f"ix_pairs_{name}",
            "pairs",
            columns,
            sqlite_where=condition,
            postgresql_where=condition,
        )
