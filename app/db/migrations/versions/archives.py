"""Archives of closed days, and what lies in them."""

import sqlalchemy as sa
from alembic import op

revision = "archives"
down_revision = "openid_logout"


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("facility", sa.BigInteger(), nullable=False),
        sa.Column(
            "month", sa.String(7), nullable=False, comment="YYYY-MM, of the agreed business days"
        ),
        sa.Column(
            "before", sa.Integer(), nullable=False, comment="day: all of its days are earlier"
        ),
        sa.Column("folder", sa.Text(), nullable=False, comment="absolute"),
        sa.Column(
            "state",
            sa.String(8),
            nullable=False,
            comment="writing (its files), moving (out of the database), whole",
        ),
        sa.Column("made_at", sa.String(32), nullable=False, comment="UTC"),
        sa.Column("manifest_sha256", sa.LargeBinary(32), nullable=True),
        sa.Column("pairs_sha256", sa.LargeBinary(32), nullable=True),
        sa.Column("batches_sha256", sa.LargeBinary(32), nullable=True),
        sa.Column("events_sha256", sa.LargeBinary(32), nullable=True),
        sa.Column("first_number", sa.BigInteger(), nullable=True),
        sa.Column("last_number", sa.BigInteger(), nullable=True),
        sa.Column(
            "first_day", sa.Integer(), nullable=True, comment="the first day that moved a book"
        ),
        sa.Column("last_day", sa.Integer(), nullable=True),
        sa.Column(
            "holds_pairs",
            sa.Boolean(),
            nullable=False,
            comment="false while it is written, and after a rebuild, which takes all pairs back",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "archived_pairs",
        sa.Column("ref", sa.LargeBinary(20), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("archive", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["archive"], ["archives.id"]),
        sa.PrimaryKeyConstraint("ref", "number"),
        comment="Where each pair is that is not in the table of pairs.",
        sqlite_with_rowid=False,
    )
