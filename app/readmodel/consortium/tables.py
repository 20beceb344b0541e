"""Tables of the consortium: members, votes, keys, validators, and what was done."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text

from app.db.metadata import metadata

members = Table(
    "members",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # lead, partner, auditor, regulator
    Column("operator", LargeBinary(20), nullable=False),
    Column("approver", LargeBinary(20), nullable=False),
    Column("sealing_key", LargeBinary(32), nullable=False),
    Column("recovery", LargeBinary(20), nullable=False),
    Column("state", Text, nullable=False),  # active, suspended, evicted
    # Up to then its operator and approver keys are refused; 0 = it was never stopped.
    Column("stopped_until", BigInteger, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # domain.votes.KINDS
    Column("proposer", Integer, nullable=False),  # member
    # The member that has no vote, because it is about it; null = none.
    Column("subject", Integer),
    Column("asked", Text, nullable=False),  # what is asked for, as JSON by the payload's fields
    Column("payload", LargeBinary, nullable=False),  # the same, as the contract keeps it
    Column("reason_hash", LargeBinary(32), nullable=False),  # domain.reasons
    Column("created_at", BigInteger, nullable=False),
    Column("created_block", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # From when a replacement of a key that has its majority can be enacted; null = none waits.
    Column("due_at", BigInteger),
    # domain.votes.PROPOSAL_STATES but expired, which the time alone tells of what is undecided
    Column("state", Text, nullable=False),
    Column("decided_at", BigInteger),
    Column("decided_block", BigInteger),
)

votes = Table(
    "votes",
    metadata,
    Column("proposal", BigInteger, primary_key=True, autoincrement=False),
    Column("member", Integer, primary_key=True, autoincrement=False),
    Column("in_favour", Boolean, nullable=False),
    Column("voted_at", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
)

member_keys = Table(
    "member_keys",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),  # an address, or a sealing key
    # Two members may name one sealing key.
    Column("member", Integer, primary_key=True, autoincrement=False),
    Column("purpose", Text, nullable=False),  # operator, approver, recovery, sealing
    Column("given_by", Text, nullable=False),  # admission, member (itself), vote
    Column("since_block", BigInteger, nullable=False),
    Column("retired_block", BigInteger),  # null while it serves
)

validators = Table(
    "validators",
    metadata,
    Column("node", LargeBinary(20), primary_key=True),
    Column("member", Integer, nullable=False),
    Column("enode", Text, nullable=False),
    Column("since_block", BigInteger, nullable=False),
)

consortium_log = Table(
    "consortium_log",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # order on the chain
    Column("what", Text, nullable=False),  # the event's name
    Column("member", Integer),  # whom it is about; null = none
    Column("by_member", Integer),  # the bank that did it alone; null = a vote, or the member itself
    Column("details", Text, nullable=False),  # the event's other arguments, as JSON
    Column("at", BigInteger, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
    comment="Changes of the consortium and emergency stops, for those who look later.",
)
