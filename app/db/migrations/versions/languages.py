"""The language that a person reads in."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "languages"
down_revision: str | Sequence[str] | None = "balance_points"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


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


def downgrade() -> None:
    with op.batch_alter_table("people") as people:
        people.drop_column("language")
