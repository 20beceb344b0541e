"""Which of the OpenID provider's sessions a session here began with, and spent logout tokens."""

import sqlalchemy as sa
from alembic import op

revision = "openid_logout"
down_revision = "report_jobs"


def upgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(
            sa.Column(
                "provider_session",
                sa.LargeBinary(length=32),
                nullable=True,
                comment="hash of the OpenID provider's own session, where it names one",
            )
        )
        sessions.create_index(op.f("ix_sessions_provider_session"), ["provider_session"])
    op.create_table(
        "used_logout_tokens",
        sa.Column(
            "token_hash", sa.LargeBinary(length=32), nullable=False, comment="of issuer and jti"
        ),
        sa.Column("used_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_used_logout_tokens")),
    )
    op.create_index(op.f("ix_used_logout_tokens_used_at"), "used_logout_tokens", ["used_at"])
