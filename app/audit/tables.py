"""The table of the audit trail."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from app.db.metadata import metadata
from app.db.types import BIG_KEY

audit_trail = Table(
    "audit_trail",
    metadata,
    Column(
        "number",
        BIG_KEY,
        primary_key=True,
        autoincrement=False,
        comment="1, 2, 3, ... without gaps",
    ),
    Column("at", String(32), nullable=False, comment="UTC"),
    Column("actor", Text, nullable=False, comment="person:NAME, key:ID, command:USER, nobody"),
    Column("act", String(64), nullable=False),
    Column("subject", Text, nullable=False, comment="what it is about; empty where that is clear"),
    Column("outcome", String(8), nullable=False, comment="done, refused, failed"),
    Column("address", String(64), nullable=False, comment="where it came from; may be empty"),
    Column("details", Text, nullable=False, comment="canonical JSON"),
    Column("hash", LargeBinary(32), nullable=False, comment="SHA-256: hash before, content"),
    Index("ix_audit_trail_actor", "actor", "number"),
)
