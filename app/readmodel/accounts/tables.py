"""Tables of the reserve accounts: their sums, the holds on them, the alerts about them."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, SmallInteger, Table, Text

from app.db.metadata import metadata
from app.db.types import WideInteger

accounts = Table(
    "accounts",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", SmallInteger, primary_key=True, autoincrement=False),
    # Sums of legs by their effect on the reserve, kept leg by leg outside the contract.
    Column("lead_book", WideInteger, nullable=False),
    Column("partner_book", WideInteger, nullable=False),
    Column("agreed", WideInteger, nullable=False),
    Column("open_lead", WideInteger, nullable=False),
    Column("open_partner", WideInteger, nullable=False),
    Column("accepted_difference", WideInteger, nullable=False),
    # Pairs by status, and duplicate legs.
    Column("matched", BigInteger, nullable=False),
    Column("within_tolerance", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("date", BigInteger, nullable=False),
    Column("amount_and_date", BigInteger, nullable=False),
    Column("missing_at_partner", BigInteger, nullable=False),
    Column("missing_at_lead", BigInteger, nullable=False),
    Column("duplicate_at_lead", BigInteger, nullable=False),
    Column("duplicate_at_partner", BigInteger, nullable=False),
    Column("last_block", BigInteger, nullable=False),  # the last that moved this account
    # The contract's own books after `contract_block`; they are those of now when it equals
    # `last_block`, and null before they were first read.
    Column("contract_block", BigInteger),
    Column("contract_lead_book", WideInteger),
    Column("contract_partner_book", WideInteger),
    Column("contract_agreed", WideInteger),
    Column("contract_open_lead", WideInteger),
    Column("contract_open_partner", WideInteger),
    Column("contract_accepted_difference", WideInteger),
    Column("contract_open_legs", BigInteger),
    Column("contract_closed_through", Integer),  # day; 0 = nothing closed
)

day_totals = Table(
    "day_totals",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", SmallInteger, primary_key=True, autoincrement=False),
    # On which a movement is recorded: its business day, or the day after the last closed one.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    # Sums of effects; null where nothing of the kind moved the book on that day.
    Column("lead_book", WideInteger),
    Column("partner_book", WideInteger),
    Column("agreed", WideInteger),
    comment="What moved each book by day and kind, as the contract's day totals have it.",
)

balance_points = Table(
    "balance_points",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", SmallInteger, primary_key=True, autoincrement=False),
    # Block time, seconds since 1970 UTC, down to whole five minutes.
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("lead_book", WideInteger, nullable=False),
    Column("partner_book", WideInteger, nullable=False),
    Column("agreed", WideInteger, nullable=False),
    comment="The books at the end of every five minutes in which a block moved them.",
)

day_counts = Table(
    "day_counts",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", SmallInteger, primary_key=True, autoincrement=False),
    # The business day of the lead's half, or else of the partner's; of a duplicate leg its own.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),  # 0 where all have become of another type since
    comment="Pairs and duplicate legs by day and type.",
)

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
