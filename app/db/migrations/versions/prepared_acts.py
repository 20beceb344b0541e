"""What persons of the bank prepare and others sign."""

import sqlalchemy as sa
from alembic import op

revision = "prepared_acts"
down_revision = "reasons"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITS = sa.text("state IN ('prepared', 'signing', 'sent')")


def upgrade() -> None:
    op.create_table(
        "prepared_acts",
        sa.Column("number", _BIG_KEY, primary_key=True),
        sa.Column(
            "act",
            sa.String(32),
            nullable=False,
            comment="as in the log of acts: breaks.propose, ...",
        ),
        sa.Column("facility", sa.String(64), nullable=False, comment="the facility's id"),
        sa.Column("partner", sa.String(64), nullable=False),
        sa.Column(
            "pair",
            sa.BigInteger(),
            nullable=True,
            comment="of acts about a break: the pair's number",
        ),
        sa.Column(
            "subject",
            sa.String(200),
            nullable=False,
            comment="what it is about: one waits at a time",
        ),
        sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of what is sealed, hex"),
        sa.Column(
            "sealed",
            sa.LargeBinary(),
            nullable=False,
            comment="sealed: all that a signature is over",
        ),
        sa.Column(
            "state", sa.String(10), nullable=False, comment="the newest state in prepared_act_log"
        ),
        sa.Column(
            "prepared_by", sa.String(64), nullable=False, comment="as sealed, to be counted by"
        ),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column(
            "claim",
            sa.String(32),
            nullable=True,
            comment="while it is being signed: by which attempt",
        ),
        sa.Column("claimed_until", sa.String(32), nullable=True),
        sa.Column(
            "tx_hash",
            sa.String(66),
            nullable=True,
            comment="of the act itself; a reason's own stands beside it",
        ),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_prepared_acts_state", "prepared_acts", ["state", "number"])
    op.create_index("ix_prepared_acts_pair", "prepared_acts", ["pair"])
    op.create_index(
        "uq_prepared_acts_waiting",
        "prepared_acts",
        ["subject"],
        unique=True,
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    )
    op.create_table(
        "prepared_act_log",
        sa.Column("id", _BIG_KEY, primary_key=True),
        sa.Column("act", _BIG_KEY, sa.ForeignKey("prepared_acts.number"), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column(
            "person",
            sa.String(64),
            nullable=True,
            comment="the person's id; null: nobody did it, it happened",
        ),
        sa.Column("person_name", sa.Text(), nullable=True, comment="as the person was called then"),
        sa.Column(
            "note", sa.Text(), nullable=False, server_default="", comment="what happened, in words"
        ),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("ix_prepared_act_log_act", "prepared_act_log", ["act"])
    op.create_table(
        "prepared_act_transactions",
        sa.Column("id", _BIG_KEY, primary_key=True),
        sa.Column("act", _BIG_KEY, sa.ForeignKey("prepared_acts.number"), nullable=False),
        sa.Column(
            "address", sa.String(42), nullable=False, comment="of the key that has signed it"
        ),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(66), nullable=False, unique=True),
        sa.Column(
            "raw_transaction",
            sa.LargeBinary(),
            nullable=False,
            comment="signed bytes, never changed",
        ),
        sa.UniqueConstraint("act", "nonce"),
    )
    op.create_index("ix_prepared_act_transactions_act", "prepared_act_transactions", ["act"])
