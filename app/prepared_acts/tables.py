"""What persons of this bank have prepared, what became of it, and the bytes that were signed.

Times are UTC in ISO 8601.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY, Sealed, partial_index

prepared_acts = Table(
    "prepared_acts",
    metadata,
    Column("number", BIG_KEY, primary_key=True),
    Column("act", String(32), nullable=False, comment="as in the log of acts: breaks.propose, ..."),
    Column("facility", String(64), comment="its id; null: about the consortium"),
    Column("partner", String(64), comment="null: about no account"),
    Column("pair", BigInteger, comment="of acts about a break: the pair's number"),
    Column("subject", String(200), nullable=False, comment="what it is about: one waits at a time"),
    Column("batch", BigInteger, index=True, comment="number of the first act prepared with it"),
    Column("hash", String(64), nullable=False, comment="SHA-256 of what is sealed, hex"),
    Column("sealed", Sealed(), nullable=False, comment="sealed: all that a signature is over"),
    Column("state", String(10), nullable=False, comment="the newest state in prepared_act_log"),
    Column("prepared_by", String(64), nullable=False, comment="as sealed, to be counted by"),
    Column("expires_at", String(32), nullable=False),
    Column("claim", String(32), comment="while it is being signed: by which attempt"),
    Column("claimed_until", String(32)),
    Column("tx_hash", String(66), comment="of the act itself; a reason's own stands beside it"),
    Column("block_number", BigInteger),
    Index("ix_prepared_acts_state", "state", "number"),
    Index("ix_prepared_acts_pair", "pair"),
    partial_index(
        "uq_prepared_acts_waiting",
        "subject",
        where="state IN ('prepared', 'signing', 'sent')",
        unique=True,
    ),
)

prepared_act_log = Table(
    "prepared_act_log",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("act", ForeignKey("prepared_acts.number"), nullable=False, index=True),
    Column("state", String(10), nullable=False),
    Column("person", String(64), comment="the person's id; null: nobody did it, it happened"),
    Column("person_name", Text, comment="as the person was called then"),
    Column("note", Text, nullable=False, server_default="", comment="what happened, in words"),
    Column("at", String(32), nullable=False),
)

prepared_act_transactions = Table(
    "prepared_act_transactions",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("act", ForeignKey("prepared_acts.number"), nullable=False, index=True),
    Column("address", String(42), nullable=False, comment="of the key that has signed it"),
    Column("nonce", BigInteger, nullable=False),
    Column("tx_hash", String(66), nullable=False, unique=True),
    Column("raw_transaction", LargeBinary, nullable=False, comment="signed bytes, never changed"),
    UniqueConstraint("act", "nonce"),
)
