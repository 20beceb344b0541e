"""The tables of alerts. The node's own: no rebuild of the read model touches them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    literal_column,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY, partial_index

raised_alerts = Table(
    "raised_alerts",
    metadata,
    Column("number", BIG_KEY, primary_key=True),
    Column("kind", String(24), nullable=False),
    Column("subject", String(200), nullable=False, comment="one is open for each kind and subject"),
    Column("facility", String(64), nullable=False, comment="empty where it is about no facility"),
    Column("partner", String(64), nullable=False),
    Column("details", Text, nullable=False, comment="JSON: figures as they are now, or at its end"),
    Column("raised_at", String(32), nullable=False, comment="UTC"),
    Column("acknowledged_at", String(32)),
    Column("acknowledged_by", Text, comment="as the audit trail names who did"),
    Column("snoozed_until", String(32), comment="UTC; null where it is not"),
    Column("escalated_at", String(32)),
    Column("ended_at", String(32), comment="null while the cause is there"),
    partial_index(
        "uq_raised_alerts_open", "kind", "subject", where="ended_at IS NULL", unique=True
    ),
    Index("ix_raised_alerts_facility", "facility", "number"),
    Index("ix_raised_alerts_kind", "kind", "number"),
)

alert_log = Table(
    "alert_log",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("alert", ForeignKey("raised_alerts.number"), nullable=False, index=True),
    Column(
        "change",
        String(12),
        nullable=False,
        comment="raised, acknowledged, snoozed, woken, escalated, ended",
    ),
    Column("by", Text, comment="null: nobody did it, it happened"),
    Column("note", Text, nullable=False),
    Column("at", String(32), nullable=False, comment="UTC"),
    comment="What became of each alert; rows are added and never changed.",
)

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("kind", String(24), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("amounts", Text, nullable=False, comment="JSON: decimal text by currency"),
    Column("escalate_minutes", Integer, nullable=False),
    Column("escalate_to", String(16), nullable=False, comment="a role"),
    comment="The bank's rules where they are others than the defaults.",
)

alert_mail_settings = Table(
    "alert_mail_settings",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("address", String(254), nullable=False),
    Column("kinds", Text, nullable=False, comment="JSON: those that are mailed"),
    Column("digest", Boolean, nullable=False, comment="once an hour together, not at once"),
)

alert_mails = Table(
    "alert_mails",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False),
    Column("change", ForeignKey("alert_log.id"), nullable=False, comment="what is told"),
    Column("state", String(8), nullable=False, comment="waiting, sent, dropped"),
    Column("due_at", String(32), nullable=False, comment="UTC; not before"),
    Column("message_id", String(100), comment="of the mail that tells it; kept for a repeat"),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", String(32)),
    Column("fault", Text, comment="of the last attempt"),
    partial_index("ix_alert_mails_waiting", "due_at", where="state = 'waiting'"),
    Index("ix_alert_mails_sent", "person", "sent_at"),
)

alert_watch = Table(
    "alert_watch",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, comment="1: one row"),
    Column("block_number", BigInteger, nullable=False, comment="of the view that was judged last"),
)

OPEN = raised_alerts.c.ended_at.is_(None)
WAITING = alert_mails.c.state == literal_column("'waiting'")
"""Written out like the condition of the partial index."""
