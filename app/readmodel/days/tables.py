"""The table of day closes: what was proposed to close a day of a reserve account, and its end."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text

from app.db.metadata import metadata
from app.db.types import WideInteger

day_closes = Table(
    "day_closes",
    metadata,
    # Order on the chain.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("facility", BigInteger, nullable=False),
    Column("partner", SmallInteger, nullable=False),
    Column("day", Integer, nullable=False),
    # proposed, replaced, withdrawn, disputed, closed, reopened
    Column("state", Text, nullable=False),
    Column("proposed_by", Integer, nullable=False),  # member
    Column("proposed_block", BigInteger, nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("proposed_tx", LargeBinary(32), nullable=False),
    Column("statement_hash", LargeBinary(32), nullable=False),
    Column("opening_lead", WideInteger, nullable=False),
    Column("opening_partner", WideInteger, nullable=False),
    Column("opening_agreed", WideInteger, nullable=False),
    Column("movement_lead", WideInteger, nullable=False),
    Column("movement_partner", WideInteger, nullable=False),
    Column("movement_agreed", WideInteger, nullable=False),
    Column("closing_lead", WideInteger, nullable=False),
    Column("closing_partner", WideInteger, nullable=False),
    Column("closing_agreed", WideInteger, nullable=False),
    Column("open_lead", WideInteger, nullable=False),
    Column("open_partner", WideInteger, nullable=False),
    Column("accepted_difference", WideInteger, nullable=False),
    Column("open_legs", BigInteger, nullable=False),
    # The keys of the pairs with open legs, 32 bytes each, ascending.
    Column("carried_forward", LargeBinary, nullable=False),
    # The other bank's answer, or the own bank's withdrawal.
    Column("answered_by", Integer),
    Column("answered_at", BigInteger),
    Column("reason_hash", LargeBinary(32)),  # of the dispute
    # A reopening that waits, or that was made.
    Column("reopen_by", Integer),
    Column("reopen_reason_hash", LargeBinary(32)),
    Column("reopened_at", BigInteger),
    Index("ix_day_closes_account", "facility", "partner", "state", "day"),
)
