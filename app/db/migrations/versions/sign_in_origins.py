"""Whence people have signed in."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "sign_in_origins"
down_revision: str | Sequence[str] | None = "alerts"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sign_in_origins",
        sa.Column(
            "key_hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="of a name and an address",
        ),
        sa.Column(
            "last_at", sa.String(length=32), nullable=False, comment="UTC: signed in from there"
        ),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_sign_in_origins")),
    )
    op.create_index(op.f("ix_sign_in_origins_last_at"), "sign_in_origins", ["last_at"])


def downgrade() -> None:
    op.drop_table("sign_in_origins")
