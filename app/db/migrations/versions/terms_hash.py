"""Facilities: the hash of the terms, which a partner signs by accepting them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "terms_hash"
down_revision: str | Sequence[str] | None = "plain_key_hashes"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        facilities.add_column(sa.Column("terms_hash", sa.LargeBinary(length=32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("facilities") as facilities:
        facilities.drop_column("terms_hash")
