"""The language that a person reads in."""

import sqlalchemy as sa
from alembic import op

revision = "languages"
down_revision = "balance_points"


def upgrade() -> None:
    with op.batch_alter_table("people") as people:
        people.add_column(
            sa.Column(
                "language",
                sa.String(length=16),
                nullable=True,
                comment="BCP 47; null: what the browser prefers",
            )
        )
