"""The API keys of this node's REST interface and pages."""

from sqlalchemy import Column, String, Table, Text

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
