"""Alerts with their rules and mails; webhooks with their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "alerts"
down_revision = "last_looks"


def upgrade() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("amounts", sa.Text(), nullable=False, comment="JSON: decimal text by currency"),
        sa.Column("escalate_minutes", sa.Integer(), nullable=False),
        sa.Column("escalate_to", sa.String(length=16), nullable=False, comment="a role"),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alert_rules")),
        comment="The bank's rules where they are others than the defaults.",
    )
    op.create_table(
        "alert_watch",
        sa.Column(
            "id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="1: one row"
        ),
        sa.Column(
            "block_number",
            sa.BigInteger(),
            nullable=False,
            comment="of the view that was judged last",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_watch")),
    )
    op.create_table(
        "known_breaks",
        sa.Column(
            "pair", sa.BigInteger(), autoincrement=False, nullable=False, comment="its number"
        ),
        sa.Column("shown", sa.Text(), nullable=False, comment="JSON: as break.opened said it"),
        sa.PrimaryKeyConstraint("pair", name=op.f("pk_known_breaks")),
        comment="The breaks of which webhooks were told that they are open.",
    )
    op.create_table(
        "raised_alerts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column(
            "subject",
            sa.String(length=200),
            nullable=False,
            comment="one is open for each kind and subject",
        ),
        sa.Column(
            "facility",
            sa.String(length=64),
            nullable=False,
            comment="empty where it is about no facility",
        ),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column(
            "details",
            sa.Text(),
            nullable=False,
            comment="JSON: figures as they are now, or at its end",
        ),
        sa.Column("raised_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column("acknowledged_at", sa.String(length=32), nullable=True),
        sa.Column(
            "acknowledged_by", sa.Text(), nullable=True, comment="as the audit trail names who did"
        ),
        sa.Column(
            "snoozed_until",
            sa.String(length=32),
            nullable=True,
            comment="UTC; null where it is not",
        ),
        sa.Column("escalated_at", sa.String(length=32), nullable=True),
        sa.Column(
            "ended_at", sa.String(length=32), nullable=True, comment="null while the cause is there"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_raised_alerts")),
    )
    op.create_index(
        "ix_raised_alerts_facility", "raised_alerts", ["facility", "number"], unique=False
    )
    op.create_index("ix_raised_alerts_kind", "raised_alerts", ["kind", "number"], unique=False)
    op.create_index(
        "uq_raised_alerts_open",
        "raised_alerts",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False, comment="JSON: the types that it takes"),
        sa.Column("secret", sa.LargeBinary(), nullable=False, comment="sealed"),
        sa.Column(
            "secret_before",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed; signs too until `signs_until`",
        ),
        sa.Column("signs_until", sa.String(length=32), nullable=True, comment="UTC"),
        sa.Column("created_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "removed_at",
            sa.String(length=32),
            nullable=True,
            comment="UTC; null while it takes events",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_table(
        "webhook_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False, comment="webhook-id"),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column(
            "payload", sa.Text(), nullable=False, comment="JSON, the same bytes at every attempt"
        ),
        sa.Column("at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_webhook_events")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_events_id")),
    )
    op.create_table(
        "webhook_state",
        sa.Column(
            "id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="1: one row"
        ),
        sa.Column(
            "closed", sa.Text(), nullable=False, comment="JSON: the last closed day of each account"
        ),
        sa.Column(
            "stopped", sa.Text(), nullable=False, comment="JSON: the batches that have stopped"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_state")),
        comment="What webhooks were told of last.",
    )
    op.create_table(
        "alert_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("alert", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "change",
            sa.String(length=12),
            nullable=False,
            comment="raised, acknowledged, snoozed, woken, escalated, ended",
        ),
        sa.Column("by", sa.Text(), nullable=True, comment="null: nobody did it, it happened"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.ForeignKeyConstraint(
            ["alert"], ["raised_alerts.number"], name=op.f("fk_alert_log_alert_raised_alerts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_log")),
        comment="What became of each alert; rows are added and never changed.",
    )
    op.create_index(op.f("ix_alert_log_alert"), "alert_log", ["alert"], unique=False)
    op.create_table(
        "alert_mail_settings",
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False, comment="JSON: those that are mailed"),
        sa.Column(
            "digest", sa.Boolean(), nullable=False, comment="once an hour together, not at once"
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_alert_mail_settings_person_people")
        ),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_alert_mail_settings")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("endpoint", sa.String(length=12), nullable=False),
        sa.Column("event", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False, comment="waiting, delivered, dead"),
        sa.Column(
            "attempts", sa.Integer(), nullable=False, comment="since it was accepted or replayed"
        ),
        sa.Column(
            "began_at",
            sa.String(length=32),
            nullable=False,
            comment="UTC; it is given up days after",
        ),
        sa.Column("next_at", sa.String(length=32), nullable=False, comment="UTC; not before"),
        sa.Column(
            "status",
            sa.Integer(),
            nullable=True,
            comment="the last answer's; null where there was none",
        ),
        sa.Column(
            "fault",
            sa.Text(),
            nullable=True,
            comment="of the last attempt; null where it was taken",
        ),
        sa.Column("delivered_at", sa.String(length=32), nullable=True, comment="UTC"),
        sa.ForeignKeyConstraint(
            ["endpoint"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_webhook_endpoints"),
        ),
        sa.ForeignKeyConstraint(
            ["event"],
            ["webhook_events.number"],
            name=op.f("fk_webhook_deliveries_event_webhook_events"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("endpoint", "event", name=op.f("uq_webhook_deliveries_endpoint_event")),
    )
    op.create_index(
        "ix_webhook_deliveries_endpoint", "webhook_deliveries", ["endpoint", "number"], unique=False
    )
    op.create_index(
        "ix_webhook_deliveries_state", "webhook_deliveries", ["state", "number"], unique=False
    )
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "alert_mails",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.String(length=12), nullable=False),
        sa.Column(
            "change",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="what is told",
        ),
        sa.Column("state", sa.String(length=8), nullable=False, comment="waiting, sent, dropped"),
        sa.Column("due_at", sa.String(length=32), nullable=False, comment="UTC; not before"),
        sa.Column(
            "message_id",
            sa.String(length=100),
            nullable=True,
            comment="of the mail that tells it; kept for a repeat",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.String(length=32), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True, comment="of the last attempt"),
        sa.ForeignKeyConstraint(
            ["change"], ["alert_log.id"], name=op.f("fk_alert_mails_change_alert_log")
        ),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_alert_mails_person_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_mails")),
    )
    op.create_index("ix_alert_mails_sent", "alert_mails", ["person", "sent_at"], unique=False)
    op.create_index(
        "ix_alert_mails_waiting",
        "alert_mails",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_feeds_facility", "feeds", ["facility", "id"], unique=False)
