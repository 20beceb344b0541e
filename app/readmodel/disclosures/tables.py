"""Tables of what members disclosed."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from app.db.metadata import metadata

detail_grants = Table(
    "detail_grants",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("facility", BigInteger, nullable=False),
    Column("member", Integer, nullable=False),  # whose batches are opened, and who granted it
    Column("reader", Integer, nullable=False),
    Column("from_day", Integer, nullable=False),  # business days, both included
    Column("to_day", Integer, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
    Column("revoked_by", Integer),  # null while it stands
    Column("revoked_at", BigInteger),
    # How many references it opens here, once it is opened; 0 while it is, and once it is revoked.
    Column("names", Integer, nullable=False, server_default="0"),
)

# What is still to be done for grants to this node's member: batches to be opened in the order of
# their sequences, `opened` of them are; or, without keys, names of a revoked grant to be forgotten.
granted_openings = Table(
    "granted_openings",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sealed_keys", LargeBinary),
    Column("posted", BigInteger, nullable=False),  # the granter's sequence when it granted
    Column("opened", Integer, nullable=False),
)

# Postings whose details do not open here, kept for a grant that may come: observers' nodes alone.
sealed_postings = Table(
    "sealed_postings",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("member", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("legs", LargeBinary, nullable=False),  # the posting's words
    Column("sealed", LargeBinary, nullable=False),
)

# The names of references that a grant opens here, as its bank has sealed them; deleted once it is
# revoked, step by step. Held against the reference only where this node has the facility's
# reference key.
granted_names = Table(
    "granted_names",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("ref", LargeBinary(20), primary_key=True),
    Column("grant", BigInteger, primary_key=True, autoincrement=False, index=True),
    Column("event_ref", Text, nullable=False, index=True),
)

audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("member", Integer, primary_key=True, autoincrement=False),
    Column("rows", BigInteger, primary_key=True, autoincrement=False),
    Column("head", LargeBinary(32), nullable=False),
    Column("anchored_at", BigInteger, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
)
