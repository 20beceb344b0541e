"""People, their roles, second factors and sessions; the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "people"
down_revision = "quarantine_dismissed"


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column(
            "name", sa.String(length=64), nullable=False, comment="to sign in; never used again"
        ),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column(
            "password_hash",
            sa.Text(),
            nullable=True,
            comment="argon2id; null until the person has enrolled",
        ),
        sa.Column(
            "totp_secret",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed with the bank's storage key",
        ),
        sa.Column(
            "totp_last_step",
            sa.BigInteger(),
            nullable=True,
            comment="of the newest code that was used",
        ),
        sa.Column(
            "development",
            sa.Boolean(),
            nullable=False,
            comment="known password; development only",
        ),
        sa.Column("created_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "disabled_at",
            sa.String(length=32),
            nullable=True,
            comment="UTC; null while the person may sign in",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name", name=op.f("uq_people_name")),
    )
    op.create_table(
        "person_roles",
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_person_roles_person_people")
        ),
        sa.PrimaryKeyConstraint("person", "role", name=op.f("pk_person_roles")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column(
            "used_at", sa.String(length=32), nullable=True, comment="UTC; null while it opens"
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_recovery_codes_person_people")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_person"), "recovery_codes", ["person"])
    op.create_table(
        "enrolments",
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column(
            "totp_secret", sa.LargeBinary(), nullable=False, comment="sealed; the person's to be"
        ),
        sa.Column("made_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("expires_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_enrolments_person_people")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("person", name=op.f("uq_enrolments_person")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=12), nullable=False, comment="in lists; opens nothing"),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False, comment="SHA-256"),
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column(
            "address", sa.String(length=64), nullable=False, comment="where it was begun from"
        ),
        sa.Column("agent", sa.Text(), nullable=False, comment="what the browser calls itself"),
        sa.Column("began_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("last_seen_at", sa.String(length=32), nullable=False, comment="UTC, to a minute"),
        sa.Column("ends_at", sa.String(length=32), nullable=False, comment="UTC; whatever happens"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_sessions_person_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sessions_person"), "sessions", ["person"])
    op.create_table(
        "failed_attempts",
        sa.Column(
            "key_hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="of a name or an address",
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_failed_attempts")),
    )
    op.create_index(op.f("ix_failed_attempts_last_at"), "failed_attempts", ["last_at"])
    op.create_table(
        "audit_trail",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
            comment="1, 2, 3, ... without gaps",
        ),
        sa.Column("at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "actor",
            sa.Text(),
            nullable=False,
            comment="person:NAME, key:ID, command:USER, nobody",
        ),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="what it is about; empty where that is clear",
        ),
        sa.Column("outcome", sa.String(length=8), nullable=False, comment="done, refused, failed"),
        sa.Column(
            "address",
            sa.String(length=64),
            nullable=False,
            comment="where it came from; may be empty",
        ),
        sa.Column("details", sa.Text(), nullable=False, comment="canonical JSON"),
        sa.Column(
            "hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="SHA-256: hash before, content",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_trail")),
    )
    op.create_index("ix_audit_trail_actor", "audit_trail", ["actor", "number"])
