"""Tables of what was posted: postings, the pairs of their legs, what was rejected or resolved."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY, partial_index
from app.domain.kinds import Kind

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

pairs = Table(
    "pairs",
    metadata,
    # Order on the chain (of first halves), one count for pairs and rejections: the cursor of pages.
    Column("number", BIG_KEY, primary_key=True, autoincrement=False),
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
    # The version of the shares that the lead's stated part is held against; null where the contract
    # splits, and for kinds that are not shared.
    Column("stated_shares", SmallInteger),
    # The reference first: what is looked up by the others alone is better read in order of number.
    UniqueConstraint(
        "ref", "kind", "partner", "facility", "target_kind", "target_ref", name="uq_pairs_identity"
    ),
    partial_index(
        "ix_pairs_open",
        "number",
        where="status <> 'matched' AND status <> 'within_tolerance' AND action IS NULL",
    ),
    partial_index(
        "ix_pairs_within_tolerance",
        "number",
        where="status = 'within_tolerance' AND action IS NULL",
    ),
    partial_index("ix_pairs_resolved", "number", where="action IS NOT NULL"),
    partial_index("ix_pairs_reversals", "facility", "partner", where="kind = 12"),
    partial_index(
        "ix_pairs_stated", "facility", "lead_business_day", where="stated_shares IS NOT NULL"
    ),
    # For suggestions: the legs of either side that wait, by what they say.
    partial_index(
        "ix_pairs_missing_at_partner",
        "facility",
        "partner",
        "lead_amount",
        "lead_value_day",
        where="status = 'open' AND partner_amount IS NULL",
    ),
    partial_index(
        "ix_pairs_missing_at_lead",
        "facility",
        "partner",
        "partner_amount",
        "partner_value_day",
        where="status = 'open' AND lead_amount IS NULL",
    ),
)

# The conditions of the partial indexes, for queries. Written out: of a parameter, a planner cannot
# know that it implies them.
OPEN: ColumnElement[bool] = and_(
    pairs.c.status != literal_column("'matched'"),
    pairs.c.status != literal_column("'within_tolerance'"),
    pairs.c.action.is_(None),
)
"""Pairs with open legs: one-sided, or unequal and not resolved. There are as many as there is work
for people, however long the history."""

WITHIN_TOLERANCE: ColumnElement[bool] = and_(
    pairs.c.status == literal_column("'within_tolerance'"), pairs.c.action.is_(None)
)
RESOLVED: ColumnElement[bool] = pairs.c.action.is_not(None)
"""Pairs that were breaks, until the two banks resolved them. All pairs but the matched are in one
of `OPEN`, `WITHIN_TOLERANCE` and `RESOLVED`."""

REVERSALS: ColumnElement[bool] = pairs.c.kind == literal_column(str(int(Kind.REVERSAL)))

rejections = Table(
    "rejections",
    metadata,
    Column("number", BIG_KEY, primary_key=True, autoincrement=False),
    Column("facility", BigInteger, nullable=False),
    # A lead's shared duplicate has one row per partner whose part of it is not 0, and so has each
    # part that was skipped; any other rejected leg one row, with the partner as posted (0 = all).
    Column("partner", SmallInteger, nullable=False),
    Column("member", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("index", Integer, nullable=False),
    # duplicate, unknown_kind, ... (indexer.postings.REASONS); part_resolved, part_target_reversed,
    # ... of a part that was skipped
    Column("reason", Text, nullable=False),
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
    Index("ix_rejections_account", "facility", "partner", "number"),
    Index("ix_rejections_ref", "ref"),
)

resolutions = Table(
    "resolutions",
    metadata,
    # Order on the chain, from 1.
    Column("number", BIG_KEY, primary_key=True),
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
    partial_index("ix_resolutions_proposed", "pair", where="status = 'proposed'"),
)

PROPOSED: ColumnElement[bool] = resolutions.c.status == literal_column("'proposed'")
"""The condition of the partial index of `resolutions`, written out like those of `pairs`."""
