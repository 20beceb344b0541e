"""Facilities: bounds of shares, changes agreed by their parties, pauses; ids come free again."""

import sqlalchemy as sa
from alembic import op

revision = "facility_changes"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        for column in ("least_lead_bps", "largest_partner_bps"):
            # Facilities that were there before had no bounds.
            facilities.add_column(
                sa.Column(column, sa.Integer(), nullable=False, server_default="0")
            )
        facilities.drop_constraint("uq_facilities_id", type_="unique")
        facilities.create_index("ix_facilities_id", ["id"])
    op.create_table(
        "facility_changes",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("proposer", sa.Integer(), nullable=False),
        sa.Column("proposed_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("reason_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_time", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("facility", "change", name=op.f("pk_facility_changes")),
        comment="What parties proposed to change in a facility.",
    )
    op.create_table(
        "facility_acceptances",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("accepted_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "facility", "change", "member", name=op.f("pk_facility_acceptances")
        ),
        comment="Who accepted a change; its proposer by proposing it.",
    )
    op.create_table(
        "facility_pauses",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("reason_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("paused_time", sa.BigInteger(), nullable=False),
        sa.Column("resumed_time", sa.BigInteger(), nullable=True),
        sa.Column("resumed_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("facility", "number", name=op.f("pk_facility_pauses")),
        comment="When a party stopped the posting for a facility.",
    )
