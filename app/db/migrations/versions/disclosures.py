"""Grants of sealed details, and anchored heads of audit trails.

`balance_points` has had the chain read anew before: these tables are filled by that, too.
"""

import sqlalchemy as sa
from alembic import op

revision = "disclosures"
down_revision = "worklist"


def upgrade() -> None:
    op.create_table(
        "detail_grants",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facility", sa.BigInteger(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("reader", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("to_day", sa.Integer(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("revoked_by", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_detail_grants")),
    )
    op.create_table(
        "sealed_postings",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("legs", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "member", "sequence", name=op.f("pk_sealed_postings")),
    )
    op.create_table(
        "granted_names",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("grant", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "ref", "grant", name=op.f("pk_granted_names")),
    )
    op.create_index(op.f("ix_granted_names_grant"), "granted_names", ["grant"])
    op.create_table(
        "audit_anchors",
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("anchored_at", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("member", "rows", name=op.f("pk_audit_anchors")),
    )
