"""Attempts leave out the calldata, which their batches hold; those of before stay whole."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "attempts_without_calldata"
down_revision: str | Sequence[str] | None = "terms_hash"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "attempts",
        sa.Column(
            "calldata_at",
            sa.Integer(),
            nullable=True,
            comment="where the batch's calldata, left out here, belongs; null: nothing is",
        ),
    )


def downgrade() -> None:
    attempts = sa.table(
        "attempts",
        sa.column("id"),
        sa.column("batch_id"),
        sa.column("raw_transaction", sa.LargeBinary),
        sa.column("calldata_at"),
    )
    batches = sa.table("batches", sa.column("id"), sa.column("calldata", sa.LargeBinary))
    connection = op.get_bind()
    ids = connection.execute(sa.select(attempts.c.id).where(attempts.c.calldata_at.is_not(None)))
    for id_ in ids.scalars().all():
        kept, at, calldata = connection.execute(
            sa.select(attempts.c.raw_transaction, attempts.c.calldata_at, batches.c.calldata)
            .join(batches, batches.c.id == attempts.c.batch_id)
            .where(attempts.c.id == id_)
        ).one()
        connection.execute(
            attempts.update()
            .where(attempts.c.id == id_)
            .values(raw_transaction=kept[:at] + calldata + kept[at:])
        )
    with op.batch_alter_table("attempts") as table:
        table.drop_column("calldata_at")
