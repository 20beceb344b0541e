"""Tables of the read model.

Only the indexer writes them, from final blocks, in the same transaction as its `cursor`. All of
them but `incidents` can be made anew from the chain alone, equal to the last byte, so nothing here
may depend on when or in how many steps the chain was read.

Units: amounts in minor units, days as `date.toordinal()`, times (`*_at`, `*_time`) as whole seconds
since 1970 UTC by the block's clock.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from app.db.metadata import metadata
from app.db.types import WideInteger
from app.readmodel.consortium_tables import CONSORTIUM_TABLES
from app.readmodel.reserve_tables import alerts, day_closes, holds
from app.readmodel.resolution_tables import resolutions as resolutions

cursor = Table(
    "cursor",
    metadata,
    Column(
        "id",
        SmallInteger,
        CheckConstraint("id = 1", name="one_row"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("chain_id", BigInteger, nullable=False),
    # Whose view this is (the number of the node's own member).
    Column("member", Integer, nullable=False),
    # The last block that was read, final when it was.
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary(32), nullable=False),
    Column("block_time", BigInteger, nullable=False),
    comment="How far the chain was read; one row.",
)

blocks = Table(
    "blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    comment="Blocks that held events of ours; their hashes tell how deep a reorganisation went.",
)

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
    Column("state", Text, nullable=False),  # proposed, active, paused, closed, withdrawn
    Column("proposed_block", BigInteger, nullable=False),
    Column("activated_block", BigInteger),
    # The reference key as sealed to this node's member; null where it was not.
    Column("sealed_reference_key", LargeBinary),
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

postings = Table(
    "postings",
    metadata,
    Column("facility", BigInteger, primary_key=True, autoincrement=False),
    Column("member", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("tx_hash", LargeBinary(32), nullable=False),
    Column("block_number", BigInteger, nullable=False, index=True),
    Column("block_time", BigInteger, nullable=False),
    Column("legs", Integer, nullable=False),  # how many legs were posted, rejected ones included
    Column("rejected", Integer, nullable=False),  # how many of them the contract rejected
    Column("digest", LargeBinary(32), nullable=False),  # running digest with this posting in it
    # opened, partial (not every reference hashes to its leg's), sealed (could not be opened here)
    Column("details", Text, nullable=False),
)

# INTEGER makes it SQLite's own row id.
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

pairs = Table(
    "pairs",
    metadata,
    # Order on the chain (of first halves), one count for pairs and rejections: the cursor of pages.
    Column("number", _ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("facility", BigInteger, nullable=False),
    Column("partner", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("ref", LargeBinary(20), nullable=False),
    Column("target_kind", SmallInteger, nullable=False),  # 0 unless a reversal
    Column("target_ref", LargeBinary(20), nullable=False),  # empty unless a reversal
    # In clear only where the sealed details opened and hash to `ref`.
    Column("event_ref", Text),
    Column("target_event_ref", Text),
    Column("lead_amount", BigInteger),  # null = the lead has not posted
    Column("lead_value_day", Integer),
    Column("lead_business_day", Integer),
    Column("lead_sequence", BigInteger),
    Column("lead_index", Integer),  # word index in the posting
    Column("lead_posted_at", BigInteger),
    Column("lead_reversed", Boolean, nullable=False),
    Column("partner_amount", BigInteger),  # null = the partner has not posted
    Column("partner_value_day", Integer),
    Column("partner_business_day", Integer),
    Column("partner_sequence", BigInteger),
    Column("partner_index", Integer),
    Column("partner_posted_at", BigInteger),
    Column("partner_reversed", Boolean, nullable=False),
    Column("shares_version", SmallInteger),  # null where nothing was split
    # In force on the lead's value date, or on its own while one-sided.
    Column("rules_version", SmallInteger, nullable=False),
    # open while one-sided, else matched, within_tolerance, amount, date, amount_and_date
    Column("status", Text, nullable=False),
    Column("first_posted_at", BigInteger, nullable=False),
    # first_posted_at and the deadline of `rules_version`; one-sided after it is overdue.
    Column("due_at", BigInteger, nullable=False),
    # Null unless something is agreed: the lead half's business day, or the day after the last
    # closed one where that was closed by then.
    Column("agreed_business_day", Integer),
    # The day that a half's movement is recorded on where its business day was closed; else null.
    Column("lead_book_day", Integer),
    Column("partner_book_day", Integer),
    # adjust, write_off, force or void, once the two banks have resolved it; the status stays
    Column("action", Text),
    # Whose half the resolution corrected (adjust) or made (write-off of a one-sided leg).
    Column("resolved_side", Text),
    Column("resolved_at", BigInteger),
    # The reference first: what is looked up by the others alone is better read in order of number.
    UniqueConstraint(
        "ref", "kind", "partner", "facility", "target_kind", "target_ref", name="uq_pairs_identity"
    ),
    Index(
        "ix_pairs_unmatched",
        "number",
        sqlite_where=text("status <> 'matched'"),
        postgresql_where=text("status <> 'matched'"),
    ),
    Index(
        "ix_pairs_unmatched_account",
        "facility",
        "partner",
        "number",
        sqlite_where=text("status <> 'matched'"),
        postgresql_where=text("status <> 'matched'"),
    ),
)

rejections = Table(
    "rejections",
    metadata,
    Column("number", _ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("facility", BigInteger, nullable=False),
    # A lead's shared duplicate has one row per partner whose part of it is not 0; any other
    # rejected leg one row, with the partner as posted (0 = all).
    Column("partner", SmallInteger, nullable=False),
    Column("member", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    Column("reason", Text, nullable=False),  # duplicate, unknown_kind, ... (indexer.decode.REASONS)
    Column("side", Text, nullable=False),  # lead, partner
    Column("kind", SmallInteger, nullable=False),
    Column("ref", LargeBinary(20), nullable=False),
    Column("event_ref", Text),
    Column("target_kind", SmallInteger, nullable=False),
    Column("target_ref", LargeBinary(20), nullable=False),
    Column("target_event_ref", Text),
    Column("amount", BigInteger, nullable=False),  # the partner's part; else as posted
    Column("value_day", Integer, nullable=False),
    Column("business_day", Integer, nullable=False),
    Column("posted_at", BigInteger, nullable=False),
    UniqueConstraint(
        "facility", "member", "sequence", "index", "partner", name="uq_rejections_leg"
    ),
)

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

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    # rewind, unequal_halves, judgement_differs, books_differ (indexer.incidents)
    Column("what", Text, nullable=False),
    Column("place", Text, nullable=False),  # where, and what was seen there
    Column("block", BigInteger, nullable=False),
    Column("noticed_at", BigInteger, nullable=False),  # this node's own clock
    UniqueConstraint("what", "place", "block", name="uq_incidents_once"),
    comment="What should not happen; kept when the view is made anew.",
)

CHAIN_TABLES = (
    cursor,
    blocks,
    members,
    facilities,
    facility_partners,
    share_versions,
    rule_versions,
    facility_changes,
    facility_acceptances,
    facility_pauses,
    postings,
    pairs,
    rejections,
    accounts,
    *CONSORTIUM_TABLES,
    holds,
    alerts,
    day_closes,
    resolutions,
)
"""Tables that the chain alone determines: wiped by a rebuild, covered by the digest."""
