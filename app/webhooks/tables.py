"""The tables of webhooks: where to, what, and what became of it."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY, Sealed, partial_index

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False, comment="JSON: the types that it takes"),
    Column("secret", Sealed(), nullable=False, comment="sealed"),
    Column("secret_before", Sealed(), comment="sealed; signs too until `signs_until`"),
    Column("signs_until", String(32), comment="UTC"),
    Column("created_at", String(32), nullable=False, comment="UTC"),
    Column("removed_at", String(32), comment="UTC; null while it takes events"),
)

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("number", BIG_KEY, primary_key=True),
    Column("id", String(40), nullable=False, unique=True, comment="webhook-id"),
    Column("type", String(32), nullable=False),
    Column("payload", Text, nullable=False, comment="JSON, the same bytes at every attempt"),
    Column("at", String(32), nullable=False, comment="UTC"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("number", BIG_KEY, primary_key=True),
    Column("endpoint", ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("event", ForeignKey("webhook_events.number"), nullable=False),
    Column("state", String(9), nullable=False, comment="waiting, delivered, dead"),
    Column("attempts", Integer, nullable=False, comment="since it was accepted or replayed"),
    Column("began_at", String(32), nullable=False, comment="UTC; it is given up days after"),
    Column("next_at", String(32), nullable=False, comment="UTC; not before"),
    Column("status", Integer, comment="the last answer's; null where there was none"),
    Column("fault", Text, comment="of the last attempt; null where it was taken"),
    Column("delivered_at", String(32), comment="UTC"),
    UniqueConstraint("endpoint", "event"),
    partial_index("ix_webhook_deliveries_waiting", "next_at", where="state = 'waiting'"),
    Index("ix_webhook_deliveries_endpoint", "endpoint", "number"),
    Index("ix_webhook_deliveries_state", "state", "number"),
)

known_breaks = Table(
    "known_breaks",
    metadata,
    Column("pair", BigInteger, primary_key=True, autoincrement=False, comment="its number"),
    Column("shown", Text, nullable=False, comment="JSON: as break.opened said it"),
    comment="The breaks of which webhooks were told that they are open.",
)

webhook_state = Table(
    "webhook_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, comment="1: one row"),
    Column("block_number", BigInteger, nullable=False, comment="of the view that was told last"),
    Column("closed", Text, nullable=False, comment="JSON: the last closed day of each account"),
    Column("stopped", Text, nullable=False, comment="JSON: the batches that have stopped"),
    comment="What webhooks were told of last.",
)

WAITING = webhook_deliveries.c.state == literal_column("'waiting'")
"""Written out like the condition of the partial index."""
