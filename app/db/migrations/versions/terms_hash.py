"""Facilities: the hash of the terms, which a partner signs by accepting them."""

import sqlalchemy as sa
from alembic import op

revision = "terms_hash"
down_revision = "plain_key_hashes"


def upgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        facilities.add_column(sa.Column("terms_hash", sa.LargeBinary(length=32), nullable=True))
