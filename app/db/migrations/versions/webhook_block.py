"""Of which block the view was that webhooks were told of last."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "webhook_block"
down_revision: str | Sequence[str] | None = "sign_in_origins"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Nothing says of which block the state there was: it is noted afresh.
    op.execute("DELETE FROM webhook_state")
    op.execute("DELETE FROM known_breaks")
    with op.batch_alter_table("webhook_state") as state:
        state.add_column(
            sa.Column(
                "block_number",
                sa.BigInteger(),
                nullable=False,
                comment="of the view that was told last",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("webhook_state") as state:
        state.drop_column("block_number")
