"""The states of batches are stored under the words that the field uses."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "batch_states"
down_revision: str | Sequence[str] | None = "resolutions"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_WORDS = {"fixed": "sealed", "offered": "broadcast", "foreign": "conflict", "rewound": "reorged"}


def upgrade() -> None:
    _rename(_WORDS)


def downgrade() -> None:
    _rename({after: before for before, after in _WORDS.items()} | {"early": "reverted"})


def _rename(words: dict[str, str]) -> None:
    for name in ("batches", "batch_log"):
        table = sa.table(name, sa.column("state"))
        op.execute(
            table.update()
            .where(table.c.state.in_(words))
            .values(state=sa.case(words, value=table.c.state))
        )
