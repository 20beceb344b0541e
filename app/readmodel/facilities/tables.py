"""Tables of the facilities: terms, versions of shares and rules, changes and pauses."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from app.db.metadata import metadata
from app.db.types import WideInteger

facilities = Table(
    "facilities",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # Of facilities with one id all but the last were withdrawn.
    Column("id", Text, nullable=False, index=True),
    Column("lead", Integer, nullable=False),  # member
    Column("currency", String(3), nullable=False),
    Column("decimals", SmallInteger, nullable=False),
    Column("time_zone", Text, nullable=False),
    # What every version of the shares keeps to, basis points; 0 = no bound.
    Column("least_lead_bps", Integer, nullable=False),
    Column("largest_partner_bps", Integer, nullable=False),
    Column("split", Text, nullable=False),  # contract, lead
    Column("first_day", Integer, nullable=False),  # no date of a row is before it
    Column("state", Text, nullable=False),  # proposed, active, paused, closed, withdrawn
    Column("proposed_block", BigInteger, nullable=False),
    Column("activated_block", BigInteger),
    # The reference key as sealed to this node's member; null where it was not.
    Column("sealed_reference_key", LargeBinary),
    # keccak256(abi.encode(terms)), which a partner signs by accepting; null = read by an older
    # version.
    Column("terms_hash", LargeBinary(32)),
)

facility_partners = Table(
    "facility_partners",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("partner", SmallInteger, primary_key=True, autoincrement=False),
    Column("member", Integer, nullable=False),
    Column("low_balance", WideInteger, nullable=False),
    Column("accepted", Boolean, nullable=False),
)

facility_observers = Table(
    "facility_observers",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("member", Integer, primary_key=True, autoincrement=False),
    comment="The auditors and regulators that a facility's terms name.",
)

share_versions = Table(
    "share_versions",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("version", SmallInteger, primary_key=True, autoincrement=False),
    Column("partner", SmallInteger, primary_key=True, autoincrement=False),
    Column("effective_from", Integer, nullable=False),  # day; 0 = from the beginning of time
    Column("principal_bps", Integer, nullable=False),
    Column("interest_bps", Integer, nullable=False),
    Column("fee_bps", Integer, nullable=False),
)

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("version", SmallInteger, primary_key=True, autoincrement=False),
    Column("effective_from", Integer, nullable=False),  # day; 0 = from the beginning of time
    Column("amount_tolerance", BigInteger, nullable=False),
    Column("date_window_days", Integer, nullable=False),
    Column("match_deadline_seconds", BigInteger, nullable=False),
    Column("cut_off_seconds", Integer, nullable=False),
)

facility_changes = Table(
    "facility_changes",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("change", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),  # shares, rules, close
    Column("proposer", Integer, nullable=False),  # member
    Column("proposed_time", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("reason_hash", LargeBinary(32), nullable=False),
    # What an acceptance signs.
    Column("hash", LargeBinary(32), nullable=False),
    # What is proposed, as JSON; see facility_history.
    Column("content", Text, nullable=False),
    Column("state", Text, nullable=False),  # open, in_force, withdrawn; expired is a matter of time
    Column("decided_time", BigInteger),
    # Of the shares or rules that it brought into force.
    Column("version", SmallInteger),
    comment="What parties proposed to change in a facility.",
)

facility_acceptances = Table(
    "facility_acceptances",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("change", Integer, primary_key=True, autoincrement=False),
    Column("member", Integer, primary_key=True, autoincrement=False),
    Column("accepted_time", BigInteger, nullable=False),
    comment="Who accepted a change; its proposer by proposing it.",
)

facility_pauses = Table(
    "facility_pauses",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1, per facility
    Column("member", Integer, nullable=False),
    Column("reason_hash", LargeBinary(32), nullable=False),
    Column("paused_time", BigInteger, nullable=False),
    Column("resumed_time", BigInteger),
    Column("resumed_by", Integer),  # member
    comment="When a party stopped the posting for a facility.",
)
