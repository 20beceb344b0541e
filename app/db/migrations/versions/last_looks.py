"""What people saw of the positions when they last said so."""

import sqlalchemy as sa
from alembic import op

revision = "last_looks"
down_revision = "administration_requests"


def upgrade() -> None:
    op.create_table(
        "last_looks",
        sa.Column("person", sa.String(12), nullable=False),
        sa.Column(
            "figures",
            sa.Text(),
            nullable=False,
            comment="what the positions showed: JSON, name to text",
        ),
        sa.Column("seen_at", sa.String(32), nullable=False, comment="UTC"),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_last_looks_person_people")
        ),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_last_looks")),
    )
