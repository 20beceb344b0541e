"""What people note about breaks, and who works on which; acts of one batch, and acts about no
account."""

import sqlalchemy as sa
from alembic import op

revision = "worklist"
down_revision = "external_identities"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("prepared_acts") as acts:
        acts.add_column(
            sa.Column(
                "batch",
                sa.BigInteger(),
                nullable=True,
                comment="number of the first act prepared with it",
            )
        )
        acts.alter_column(
            "facility",
            existing_type=sa.String(64),
            nullable=True,
            comment="its id; null: about the consortium",
            existing_comment="the facility's id",
        )
        acts.alter_column(
            "partner", existing_type=sa.String(64), nullable=True, comment="null: about no account"
        )
        acts.create_index("ix_prepared_acts_batch", ["batch"])
    op.create_table(
        "break_assignments",
        sa.Column(
            "pair",
            _BIG_KEY,
            primary_key=True,
            autoincrement=False,
            comment="the break's number",
        ),
        sa.Column("person", sa.String(12), sa.ForeignKey("people.id"), nullable=False),
    )
    op.create_index("ix_break_assignments_person", "break_assignments", ["person"])
    op.create_table(
        "break_notes",
        sa.Column("id", _BIG_KEY, primary_key=True),
        sa.Column("pair", sa.BigInteger(), nullable=False, comment="the break's number"),
        sa.Column("what", sa.String(10), nullable=False, comment="comment, assigned or unassigned"),
        sa.Column("author", sa.Text(), nullable=False, comment="as the person was called then"),
        sa.Column(
            "sealed",
            sa.LargeBinary(),
            nullable=False,
            comment="sealed: the text; who is assigned",
        ),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_index("ix_break_notes_pair", "break_notes", ["pair"])
    op.create_table(
        "saved_views",
        sa.Column("id", _BIG_KEY, primary_key=True),
        sa.Column("person", sa.String(12), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column(
            "query", sa.Text(), nullable=False, comment="the filter as it stands in the address"
        ),
        sa.UniqueConstraint("person", "name", name="uq_saved_views_name"),
    )
