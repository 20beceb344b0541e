"""Quarantined rows are kept as they came, so that they can be mended, read again and replayed."""

import sqlalchemy as sa
from alembic import op

revision = "quarantine_work"
down_revision = "key_consent"

_WAITING = sa.text("status IN ('faulty', 'ready')")
_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("feeds") as feeds:
        feeds.add_column(
            sa.Column(
                "replayed",
                sa.BigInteger(),
                nullable=False,
                # No expression, for which SQLite makes the table anew: events refer to it.
                server_default="0",
                comment="of accepted and duplicate: were quarantined first",
            )
        )
        feeds.add_column(
            sa.Column(
                "header",
                sa.LargeBinary(),
                nullable=True,
                comment="sealed: a CSV's header; null for JSON",
            )
        )
    with op.batch_alter_table("quarantine") as quarantine:
        quarantine.add_column(
            sa.Column(
                "status",
                sa.String(length=16),
                nullable=False,
                server_default="faulty",
                comment="faulty, ready (to be replayed), accepted, duplicate",
            )
        )
        quarantine.add_column(
            sa.Column(
                "raw",
                sa.LargeBinary(),
                nullable=True,
                comment="sealed: the row's bytes as they came; null: not kept",
            )
        )
        quarantine.add_column(
            sa.Column(
                "encoding",
                sa.String(length=16),
                nullable=True,
                comment="in which raw is read; null where there is none",
            )
        )
        quarantine.add_column(
            sa.Column(
                "mended",
                sa.LargeBinary(),
                nullable=True,
                comment="sealed: JSON of the columns that were mended",
            )
        )
        quarantine.create_index(
            "ix_quarantine_waiting",
            ["id"],
            unique=False,
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        )
    op.create_table(
        "quarantine_steps",
        sa.Column("id", _BIG_KEY, nullable=False),
        sa.Column(
            "quarantine_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column(
            "by",
            sa.Text(),
            nullable=False,
            comment="who: an API key, or a user of the command line",
        ),
        sa.Column("step", sa.String(length=16), nullable=False, comment="mended, reread, replayed"),
        sa.Column("encoding", sa.String(length=16), nullable=True, comment="of a reread"),
        sa.Column(
            "changes",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed: JSON, by column what it was and what it is",
        ),
        sa.Column("status", sa.String(length=16), nullable=False, comment="of the row after it"),
        sa.Column(
            "field",
            sa.String(length=16),
            nullable=False,
            comment="the fault that was found then, or empty",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["quarantine_id"],
            ["quarantine.id"],
            name=op.f("fk_quarantine_steps_quarantine_id_quarantine"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine_steps")),
    )
    op.create_index(
        op.f("ix_quarantine_steps_quarantine_id"), "quarantine_steps", ["quarantine_id"]
    )
