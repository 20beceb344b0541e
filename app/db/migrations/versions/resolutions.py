"""Breaks are resolved: what was proposed, and how pairs stand."""

import sqlalchemy as sa
from alembic import op

revision = "resolutions"
down_revision = "reserves"


def upgrade() -> None:
    op.create_table(
        "resolutions",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("facility", sa.BigInteger(), nullable=False),
        sa.Column("partner", sa.SmallInteger(), nullable=False),
        sa.Column("pair", sa.BigInteger(), nullable=False),
        sa.Column("pair_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("business_day", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reason_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("proposer", sa.Integer(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_tx", sa.LargeBinary(length=32), nullable=True),
        sa.Column("dispute_reason", sa.Text(), nullable=True),
        sa.Column("moved_kind", sa.SmallInteger(), nullable=True),
        sa.Column("moved_day", sa.Integer(), nullable=True),
        sa.Column("lead_moved", sa.BigInteger(), nullable=True),
        sa.Column("partner_moved", sa.BigInteger(), nullable=True),
        sa.Column("agreed", sa.BigInteger(), nullable=True),
        sa.Column("accepted_difference", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_resolutions")),
    )
    op.create_index(
        "ix_resolutions_proposed",
        "resolutions",
        ["pair"],
        unique=False,
        sqlite_where=sa.text("status = 'proposed'"),
        postgresql_where=sa.text("status = 'proposed'"),
    )
    op.add_column("pairs", sa.Column("action", sa.Text(), nullable=True))
    op.add_column("pairs", sa.Column("resolved_side", sa.Text(), nullable=True))
    op.add_column("pairs", sa.Column("resolved_at", sa.BigInteger(), nullable=True))
