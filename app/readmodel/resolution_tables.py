"""The table of resolutions: what banks proposed to do about breaks, and what became of it."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from app.db.metadata import metadata

resolutions = Table(
    "resolutions",
    metadata,
    # Order on the chain, from 1.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("facility", BigInteger, nullable=False),
    Column("partner", SmallInteger, nullable=False),
    Column("pair", BigInteger, nullable=False),  # number of the pair
    Column("pair_key", LargeBinary(32), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("ref", LargeBinary(20), nullable=False),
    Column("target_kind", SmallInteger, nullable=False),  # 0 unless a reversal
    Column("target_ref", LargeBinary(20), nullable=False),  # empty unless a reversal
    Column("action", Text, nullable=False),  # adjust, write_off, force, void
    Column("side", Text),  # whose book an adjustment moves: lead, partner
    Column("business_day", Integer, nullable=False),  # on which the books move
    Column("state", LargeBinary(32), nullable=False),  # the pair as the proposer saw it
    Column("reason_hash", LargeBinary(32), nullable=False),
    # In clear only where it opened and hashes to `reason_hash`.
    Column("reason", Text),
    Column("proposer", Integer, nullable=False),  # member
    Column("proposed_at", BigInteger, nullable=False),
    Column("proposed_tx", LargeBinary(32), nullable=False),
    # proposed, accepted, disputed, withdrawn, or replaced by a later proposal
    Column("status", Text, nullable=False),
    Column("decided_by", Integer),  # member that accepted, disputed or withdrew
    Column("decided_at", BigInteger),
    Column("decided_tx", LargeBinary(32)),
    Column("dispute_reason", Text),  # in clear only where it opened and hashes to what was said
    # What an acceptance moved, signed by effect: under `moved_kind`, a correction or the pair's own
    # kind where its absent half was posted.
    Column("moved_kind", SmallInteger),
    # On which day that is recorded: `business_day`, or the one after the last closed one.
    Column("moved_day", Integer),
    Column("lead_moved", BigInteger),
    Column("partner_moved", BigInteger),
    Column("agreed", BigInteger),
    Column("accepted_difference", BigInteger),
    Index(
        "ix_resolutions_proposed",
        "pair",
        sqlite_where=text("status = 'proposed'"),
        postgresql_where=text("status = 'proposed'"),
    ),
)
