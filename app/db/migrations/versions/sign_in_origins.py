"""Whence people have signed in."""

import sqlalchemy as sa
from alembic import op

revision = "sign_in_origins"
down_revision = "alerts"


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
