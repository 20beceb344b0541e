"""Holds, alerts and closed days; an operator's own calls among the outbox's attempts."""

import sqlalchemy as sa
from alembic import op

revision = "reserves"
down_revision = "governance"


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("placed_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("released_by", sa.Integer(), nullable=True),
        sa.Column("expired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "partner", "ref", name=op.f("pk_holds")),
    )
    op.create_table(
        "alerts",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("facility", sa.BigInteger(), nullable=False),
        sa.Column("partner", sa.SmallInteger(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("balance", sa.Text(), nullable=False),
        sa.Column("low_balance", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alerts")),
    )
    sums = (
        *(
            f"{row}_{book}"
            for row in ("opening", "movement", "closing")
            for book in ("lead", "partner", "agreed")
        ),
        "open_lead",
        "open_partner",
        "accepted_difference",
    )
    op.create_table(
        "day_closes",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("facility", sa.BigInteger(), nullable=False),
        sa.Column("partner", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Integer(), nullable=False),
        sa.Column("proposed_block", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_tx", sa.LargeBinary(length=32), nullable=False),
        sa.Column("statement_hash", sa.LargeBinary(length=32), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in sums),
        sa.Column("open_legs", sa.BigInteger(), nullable=False),
        sa.Column("carried_forward", sa.LargeBinary(), nullable=False),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("reason_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("reopen_by", sa.Integer(), nullable=True),
        sa.Column("reopen_reason_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("reopened_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_day_closes")),
    )
    op.add_column("pairs", sa.Column("lead_book_day", sa.Integer(), nullable=True))
    op.add_column("pairs", sa.Column("partner_book_day", sa.Integer(), nullable=True))
    with op.batch_alter_table("attempts") as attempts:
        attempts.alter_column("batch_id", existing_type=sa.BigInteger(), nullable=True)
