"""The API keys of this node's REST interface, what waits for a second administrator, and requests
that may be sent again."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from app.db.metadata import metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(12), primary_key=True, comment="public part of the key, in logs and lists"),
    Column("name", Text, nullable=False, comment="who or what holds it"),
    Column("role", String(8), nullable=False, comment="feeds, read, metrics, admin"),
    Column("hash", Text, nullable=False, comment="SHA-256 of the whole key"),
    Column("created_at", String(32), nullable=False, comment="UTC"),
    Column("revoked_at", String(32), comment="UTC; null while it opens"),
)

administration_requests = Table(
    "administration_requests",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("act", String(24), nullable=False),
    Column("asked", Text, nullable=False, comment="JSON"),
    Column("roles_before", Text, nullable=False, comment="JSON: the person's when it was asked"),
    Column("code_hash", LargeBinary(32), comment="of the code that the asking one hands over"),
    Column("asked_by", ForeignKey("people.id"), nullable=False),
    Column("asked_at", String(32), nullable=False, comment="UTC"),
    Column("expires_at", String(32), nullable=False, comment="UTC"),
    Column("state", String(12), nullable=False, comment="waiting, confirmed, refused"),
    Column("decided_by", Text, comment="as the audit trail names who did"),
    Column("decided_at", String(32), comment="UTC"),
)

answered_requests = Table(
    "answered_requests",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("key_hash", LargeBinary(32), primary_key=True, comment="SHA-256 of its Idempotency-Key"),
    Column("asked_hash", LargeBinary(32), nullable=False, comment="SHA-256 of path and body"),
    Column("made", BigInteger, nullable=False, comment="the number of what it made"),
    Column("at", String(32), nullable=False, index=True, comment="UTC; kept for a day"),
)
