"""Facilities: the auditors and regulators that their terms name."""

import sqlalchemy as sa
from alembic import op

revision = "facility_observers"
down_revision = "facility_splits"


def upgrade() -> None:
    op.create_table(
        "facility_observers",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("facility", "member", name=op.f("pk_facility_observers")),
        comment="The auditors and regulators that a facility's terms name.",
    )
    # What was read before is read anew from the chain: nobody would be named in it.
    for table in (
        "cursor",
        "blocks",
        "members",
        "facilities",
        "facility_partners",
        "share_versions",
        "rule_versions",
        "facility_changes",
        "facility_acceptances",
        "facility_pauses",
        "postings",
        "pairs",
        "rejections",
        "accounts",
        "proposals",
        "votes",
        "member_keys",
        "validators",
        "consortium_log",
        "holds",
        "alerts",
        "day_closes",
        "resolutions",
    ):
        op.execute(f"DELETE FROM {table}")
