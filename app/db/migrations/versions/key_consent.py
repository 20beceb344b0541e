"""Replacements of keys that wait; a sealing key that two members name."""

import sqlalchemy as sa
from alembic import op

revision = "key_consent"
down_revision = "verified_blocks"


def upgrade() -> None:
    with op.batch_alter_table("proposals") as proposals:
        proposals.add_column(sa.Column("due_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("member_keys") as member_keys:
        member_keys.drop_constraint("pk_member_keys", type_="primary")
        member_keys.create_primary_key("pk_member_keys", ["key", "member"])
