"""The table of reasons."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from app.db.metadata import metadata

# Those alone that opened here and hash to what was said: the first of each hash.
reasons = Table(
    "reasons",
    metadata,
    Column("reason_hash", LargeBinary(32), primary_key=True),
    Column("member", Integer, nullable=False),  # who gave it
    Column("text", Text, nullable=False),
    Column("salt", LargeBinary(32), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
)
