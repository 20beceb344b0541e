"""People whom the bank's OpenID provider knows."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "external_identities"
down_revision: str | Sequence[str] | None = "languages"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "external_identities",
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False, comment="the OpenID provider"),
        sa.Column(
            "subject",
            sa.String(length=255),
            nullable=False,
            comment="who it is to the provider, for ever",
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_external_identities_person_people")
        ),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_external_identities")),
        sa.UniqueConstraint(
            "issuer", "subject", name=op.f("uq_external_identities_issuer_subject")
        ),
    )


def downgrade() -> None:
    op.drop_table("external_identities")
