"""What was received: feeds, the events accepted from them, and the quarantined rows.

Units: amounts in minor units, days as `date.toordinal()`, times UTC in ISO 8601.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    false,
    text,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY, Sealed, partial_index

feeds = Table(
    "feeds",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("facility", String(64), nullable=False),
    Column("name", Text, nullable=False, comment="the file's name, or what the bulk was called"),
    Column("source", String(16), nullable=False, comment="file, folder, bulk, push"),
    Column("received_at", String(32), nullable=False),
    Column("finished_at", String(32), comment="null while it is read, or when that was cut short"),
    Column("rows_in", BigInteger, nullable=False, comment="= accepted + duplicate + quarantined"),
    Column("accepted", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),  # those that still are
    Column(
        "replayed",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="of accepted and duplicate: were quarantined first",
    ),
    Column("header", Sealed(), comment="sealed: a CSV's header; null for JSON"),
    Index("ix_feeds_source_name", "facility", "source", "name"),
    Index("ix_feeds_facility", "facility", "id"),
)

events = Table(
    "events",
    metadata,
    Column("id", BIG_KEY, primary_key=True, comment="the order of acceptance"),
    Column("feed_id", ForeignKey("feeds.id"), nullable=False),
    Column("row", BigInteger, nullable=False, comment="its first physical line in the feed"),
    Column("facility", String(64), nullable=False),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("content", LargeBinary(32), nullable=False, comment="SHA-256 of the parsed values"),
    Column("identity", LargeBinary(32), nullable=False, comment="SHA-256; see feeds/validation.py"),
    Column("duplicate_leg", Boolean, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("partner", SmallInteger, nullable=False, comment="0 = all: the lead's shared kinds"),
    Column("event_ref", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("value_day", Integer, nullable=False),
    Column("business_day", Integer, nullable=False),
    Column("shares_day", Integer, nullable=False, comment="0 = the value day"),
    Column("target_kind", SmallInteger, comment="reversals only"),
    Column("target_ref", String(64), comment="reversals only"),
    Column("booked_at", Text, nullable=False),
    Column("details", Sealed(), comment="sealed: JSON of loan_ref, borrower_ref, memo"),
    Column("parts", SmallInteger, nullable=False, comment="chain parts that are not 0"),
    Column("reversed", Boolean, nullable=False, server_default=false()),
    Column("accepted_at", String(32), nullable=False),
    Column("batch_id", BigInteger, comment="null = waiting for the outbox, or nothing to post"),
    Column("leg_index", Integer, comment="word index in the posting"),
    Index(
        "uq_events_identity",
        "identity",
        unique=True,
        sqlite_where=text("duplicate_leg = 0"),
        postgresql_where=text("NOT duplicate_leg"),
    ),
    partial_index("ix_events_waiting", "facility", "id", where="batch_id IS NULL AND parts > 0"),
    partial_index("ix_events_batch", "batch_id", "leg_index", where="batch_id IS NOT NULL"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("feed_id", ForeignKey("feeds.id"), nullable=False, index=True),
    Column("row", BigInteger, nullable=False, comment="its first physical line in the feed"),
    Column("field", String(16), nullable=False, comment="a column, or `row`, or `chain`"),
    Column("value", Sealed(), nullable=False, comment="sealed: UTF-8"),
    Column("reason", Text, nullable=False),  # empty where nothing is at fault any more
    Column("at", String(32), nullable=False),
    Column(
        "status",
        String(16),
        nullable=False,
        server_default="faulty",
        comment="faulty, ready (to be replayed), accepted, duplicate, dismissed",
    ),
    Column("raw", Sealed(), comment="sealed: the row's bytes as they came; null: not kept"),
    Column("encoding", String(16), comment="in which raw is read; null where there is none"),
    Column(
        "mended", Sealed(rewritten=True), comment="sealed: JSON of the columns that were mended"
    ),
    partial_index("ix_quarantine_waiting", "id", where="status IN ('faulty', 'ready')"),
)

quarantine_steps = Table(
    "quarantine_steps",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("quarantine_id", ForeignKey("quarantine.id"), nullable=False, index=True),
    Column("at", String(32), nullable=False),
    Column("by", Text, nullable=False, comment="who: an API key, or a user of the command line"),
    Column(
        "step", String(16), nullable=False, comment="mended, reread, replayed, dismissed, restored"
    ),
    Column("encoding", String(16), comment="of a reread"),
    Column("changes", Sealed(), comment="sealed: JSON, by column what it was and what it is"),
    Column("status", String(16), nullable=False, comment="of the row after it"),
    Column("field", String(16), nullable=False, comment="the fault that was found then, or empty"),
    Column("reason", Text, nullable=False),
    Column("why", Sealed(), comment="sealed: why a person dismissed or restored it"),
)
"""What people did about quarantined rows; only ever added to."""
