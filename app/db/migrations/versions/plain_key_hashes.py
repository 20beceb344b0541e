"""API keys are kept as SHA-256 hashes; those kept as argon2 hashes are revoked.

Make them again with `tally keys create`: a hash cannot be turned into another.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "plain_key_hashes"
down_revision: str | Sequence[str] | None = "batch_states"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


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
    _comment("SHA-256 of the whole key", before="argon2id of the whole key")


def downgrade() -> None:
    _comment("argon2id of the whole key", before="SHA-256 of the whole key")


def _comment(text: str, before: str) -> None:
    if op.get_bind().dialect.supports_comments:
        op.alter_column(
            "api_keys",
            "hash",
            comment=text,
            existing_comment=before,
            existing_type=sa.Text(),
            existing_nullable=False,
        )
