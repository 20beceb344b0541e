"""Requests that may be sent again, by their Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "answered_requests"
down_revision = "granted_openings"


def upgrade() -> None:
    op.create_table(
        "answered_requests",
        sa.Column("person", sa.String(12), nullable=False),
        sa.Column(
            "key_hash",
            sa.LargeBinary(32),
            nullable=False,
            comment="SHA-256 of its Idempotency-Key",
        ),
        sa.Column(
            "asked_hash", sa.LargeBinary(32), nullable=False, comment="SHA-256 of path and body"
        ),
        sa.Column("made", sa.BigInteger(), nullable=False, comment="the number of what it made"),
        sa.Column("at", sa.String(32), nullable=False, comment="UTC; kept for a day"),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_answered_requests_person_people")
        ),
        sa.PrimaryKeyConstraint("person", "key_hash", name=op.f("pk_answered_requests")),
    )
    op.create_index(op.f("ix_answered_requests_at"), "answered_requests", ["at"])
