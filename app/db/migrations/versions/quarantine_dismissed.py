"""Quarantined rows are dismissed and restored, with what the person said."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "quarantine_dismissed"
down_revision: str | Sequence[str] | None = "prepared_acts"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_STATUSES = "faulty, ready (to be replayed), accepted, duplicate"
_STEPS = "mended, reread, replayed"


def upgrade() -> None:
    _describe(f"{_STATUSES}, dismissed", f"{_STEPS}, dismissed, restored")
    with op.batch_alter_table("quarantine_steps") as steps:
        steps.add_column(
            sa.Column(
                "why",
                sa.LargeBinary(),
                nullable=True,
                comment="sealed: why a person dismissed or restored it",
            )
        )


def downgrade() -> None:
    _describe(_STATUSES, _STEPS)
    with op.batch_alter_table("quarantine_steps") as steps:
        steps.drop_column("why")


def _describe(statuses: str, steps: str) -> None:
    """What the columns hold; SQLite keeps no comments, and would make the tables anew."""
    if op.get_bind().dialect.name != "postgresql":
        return
    type_ = sa.String(length=16)
    op.alter_column("quarantine", "status", existing_type=type_, comment=statuses)
    op.alter_column("quarantine_steps", "step", existing_type=type_, comment=steps)
