"""Of which block the view was that webhooks were told of last."""

import sqlalchemy as sa
from alembic import op

revision = "webhook_block"
down_revision = "sign_in_origins"


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
