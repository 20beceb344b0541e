"""The states of batches are stored under the words that the field uses."""

import sqlalchemy as sa
from alembic import op

revision = "batch_states"
down_revision = "resolutions"

_WORDS = {"fixed": "sealed", "offered": "broadcast", "foreign": "conflict", "rewound": "reorged"}


def upgrade() -> None:
    for name in ("batches", "batch_log"):
        table = sa.table(name, sa.column("state"))
        op.execute(
            table.update()
            .where(table.c.state.in_(_WORDS))
            .values(state=sa.case(_WORDS, value=table.c.state))
        )
