"""People whom the bank's OpenID provider knows."""

import sqlalchemy as sa
from alembic import op

revision = "external_identities"
down_revision = "languages"


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
