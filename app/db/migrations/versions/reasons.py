"""The reasons that banks gave, as far as this node may read them."""

import sqlalchemy as sa
from alembic import op

revision = "reasons"
down_revision = "stated_shares"


def upgrade() -> None:
    op.create_table(
        "reasons",
        sa.Column("reason_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("reason_hash", name=op.f("pk_reasons")),
    )
