"""API keys are kept as SHA-256 hashes; those kept as argon2 hashes are revoked.

Make them again with `tally keys create`: a hash cannot be turned into another.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "plain_key_hashes"
down_revision = "batch_states"


def upgrade() -> None:
    keys = sa.table(
        "api_keys", sa.column("hash", sa.Text()), sa.column("revoked_at", sa.String(32))
    )
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    op.execute(
        sa.update(keys)
        .where(keys.c.revoked_at.is_(None), keys.c.hash.startswith("$argon2"))
        .values(revoked_at=now)
    )
    if op.get_bind().dialect.supports_comments:
        op.alter_column(
            "api_keys",
            "hash",
            comment="SHA-256 of the whole key",
            existing_comment="argon2id of the whole key",
            existing_type=sa.Text(),
            existing_nullable=False,
        )
