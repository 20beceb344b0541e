"""Tables of the read model for what stands around a reserve account: holds, alerts, closed days.

Written by the indexer alone, like all of the read model; units as in `tables`.
"""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger, Table, Text

from app.db.metadata import metadata
from app.db.types import WideInteger

holds = Table(
    "holds",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", SmallInteger, primary_key=True, autoincrement=False),
    Column("ref", LargeBinary(20), primary_key=True),  # the drawdown's
    Column("amount", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # active, released, posted
    Column("placed_at", BigInteger, nullable=False),
    Column("placed_tx", LargeBinary(32), nullable=False),
    Column("ended_at", BigInteger),  # null while active
    # Who released it; null where its drawdown was posted.
    Column("released_by", Integer),
    Column("expired", Boolean, nullable=False),  # whether its time was over when it was released
)

alerts = Table(
    "alerts",
    metadata,
    # Order on the chain.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("facility", BigInteger, nullable=False),
    Column("partner", SmallInteger, nullable=False),
    Column("what", Text, nullable=False),  # low, restored, shortfall, shortfall_ended
    Column("balance", WideInteger, nullable=False),  # the smaller book after the batch
    Column("low_balance", WideInteger),  # the threshold; null of a shortfall
    Column("at", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
)

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
)
