"""One-time codes of the page, with which sessions of the command line begin."""

import sqlalchemy as sa
from alembic import op

revision = "command_line_codes"
down_revision = "resolved_pairs"


def upgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(
            sa.Column(
                "code_hash",
                sa.LargeBinary(length=32),
                nullable=True,
                comment="of the code for the command line that was made in it and waits",
            )
        )
        sessions.add_column(
            sa.Column(
                "code_ends_at",
                sa.String(length=32),
                nullable=True,
                comment="UTC; null where no code waits",
            )
        )
        sessions.add_column(
            sa.Column(
                "begun_with",
                sa.LargeBinary(length=32),
                nullable=True,
                comment="hash of the code that it began with; that code, come again, ends it",
            )
        )
