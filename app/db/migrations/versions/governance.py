"""The consortium's votes, keys, nodes and log; where members stand."""

import sqlalchemy as sa
from alembic import op

revision = "governance"
down_revision = "facility_changes"


def upgrade() -> None:
    # What was read before is read anew from the chain: the new columns and tables need it.
    op.execute("DELETE FROM cursor")
    for table in (
        "blocks",
        "members",
        "facilities",
        "facility_partners",
        "share_versions",
        "rule_versions",
        "postings",
        "pairs",
        "rejections",
        "accounts",
    ):
        op.execute(f"DELETE FROM {table}")
    with op.batch_alter_table("members") as members:
        members.add_column(sa.Column("state", sa.Text(), nullable=False))
        members.add_column(sa.Column("stopped_until", sa.BigInteger(), nullable=False))
    op.create_table(
        "proposals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Integer(), nullable=True),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_block", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_block", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_proposals")),
    )
    op.create_table(
        "votes",
        sa.Column("proposal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("in_favour", sa.Boolean(), nullable=False),
        sa.Column("voted_at", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("proposal", "member", name=op.f("pk_votes")),
    )
    op.create_table(
        "member_keys",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("since_block", sa.BigInteger(), nullable=False),
        sa.Column("retired_block", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_member_keys")),
    )
    op.create_table(
        "validators",
        sa.Column("node", sa.LargeBinary(length=20), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("enode", sa.Text(), nullable=False),
        sa.Column("since_block", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_validators")),
    )
    op.create_table(
        "consortium_log",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=True),
        sa.Column("by_member", sa.Integer(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_consortium_log")),
        comment="Changes of the consortium and emergency stops, for those who look later.",
    )
