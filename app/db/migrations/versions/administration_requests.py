"""What waits for a second administrator."""

import sqlalchemy as sa
from alembic import op

revision = "administration_requests"
down_revision = "disclosures"


def upgrade() -> None:
    op.create_table(
        "administration_requests",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=24), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False, comment="JSON"),
        sa.Column(
            "roles_before",
            sa.Text(),
            nullable=False,
            comment="JSON: the person's when it was asked",
        ),
        sa.Column(
            "code_hash",
            sa.LargeBinary(length=32),
            nullable=True,
            comment="of the code that the asking one hands over",
        ),
        sa.Column("asked_by", sa.String(length=12), nullable=False),
        sa.Column("asked_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("expires_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "state", sa.String(length=12), nullable=False, comment="waiting, confirmed, refused"
        ),
        sa.Column(
            "decided_by", sa.Text(), nullable=True, comment="as the audit trail names who did"
        ),
        sa.Column("decided_at", sa.String(length=32), nullable=True, comment="UTC"),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["people.id"], name=op.f("fk_administration_requests_asked_by_people")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_administration_requests")),
    )
