"""What is still to be opened of grants, and how many names each has opened."""

import sqlalchemy as sa
from alembic import op

revision = "granted_openings"
down_revision = "archives"


def upgrade() -> None:
    op.create_table(
        "granted_openings",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sealed_keys", sa.LargeBinary(), nullable=True),
        sa.Column("posted", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_granted_openings")),
    )
    op.add_column(
        "detail_grants", sa.Column("names", sa.Integer(), nullable=False, server_default="0")
    )
    # All that were granted so far are opened.
    op.execute(
        "UPDATE detail_grants SET names ="
        ' (SELECT count(*) FROM granted_names WHERE "grant" = detail_grants.number)'
    )
    op.create_index(op.f("ix_granted_names_event_ref"), "granted_names", ["event_ref"])
