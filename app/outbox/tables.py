"""The outbox: batches as they were sealed, and everything that happened to them since.

The database says `lane` for an operator's address and `fixed_at` for when a batch was sealed: those
columns keep their names, so that a large database need not be written anew.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY

AnyRow = Row[*tuple[Any, ...]]
"""A row of a query, its columns by name."""

batches = Table(
    "batches",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("facility", String(64), nullable=False, comment="the facility's id"),
    Column("facility_number", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("legs", Integer, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, comment="the contract's digest after it"),
    Column("gas_limit", BigInteger, nullable=False),
    Column("state", String(10), nullable=False, comment="the newest state in batch_log"),
    Column("gas_used", BigInteger, comment="of the final receipt"),
    Column("block_number", BigInteger, comment="of the final receipt"),
    Column("fixed_at", String(32), key="sealed_at", nullable=False, comment="UTC"),
    # Last: SQLite walks through a large value to reach what stands behind it.
    Column("calldata", LargeBinary, nullable=False, comment="the call as fixed, never changed"),
    UniqueConstraint("facility", "sequence"),
    Index("ix_batches_state", "state", "facility", "sequence"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column(
        "batch_id",
        ForeignKey("batches.id"),
        index=True,  # null: a person's own call, which only takes its turn here
    ),
    Column(
        "lane",
        String(42),
        key="operator",
        nullable=False,
        comment="operator address whose nonce it takes",
    ),
    Column("nonce", BigInteger, nullable=False),
    Column("tx_hash", String(66), nullable=False, unique=True),
    Column("raw_transaction", LargeBinary, nullable=False, comment="signed bytes, never changed"),
    Column(
        "calldata_at",
        Integer,
        comment="where the batch's calldata, left out here, belongs; null: nothing is",
    ),
    UniqueConstraint("operator", "nonce"),
)

batch_log = Table(
    "batch_log",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("batch_id", ForeignKey("batches.id"), nullable=False, index=True),
    Column("state", String(10), nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("at", String(32), nullable=False, comment="UTC"),
)

leases = Table(
    "leases",
    metadata,
    Column("lane", String(42), key="operator", primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("fence", BigInteger, nullable=False, comment="grows with every new holder"),
    Column("expires_at", BigInteger, nullable=False, comment="UTC, milliseconds since 1970"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("event", ForeignKey("events.id"), nullable=False, index=True),
    Column("batch_id", ForeignKey("batches.id"), comment="whose leg it was; null = never in one"),
    Column("reason", Text, nullable=False),
    Column("at", String(32), nullable=False, comment="UTC"),
    Column("replayed_at", String(32), comment="UTC; null while it waits for a person"),
)
LETTER_WAITS = dead_letters.c.replayed_at.is_(None)
"""Of dead letters: a person has not replayed it."""
