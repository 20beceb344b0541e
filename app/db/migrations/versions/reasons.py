"""The reasons that banks gave, as far as this node may read them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "reasons"
down_revision: str | Sequence[str] | None = "stated_shares"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


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


def downgrade() -> None:
    op.drop_table("reasons")
