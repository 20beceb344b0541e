"""The first schema: feeds and events, outbox, read model, API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("lead_book", sa.Text(), nullable=False),
        sa.Column("partner_book", sa.Text(), nullable=False),
        sa.Column("agreed", sa.Text(), nullable=False),
        sa.Column("open_lead", sa.Text(), nullable=False),
        sa.Column("open_partner", sa.Text(), nullable=False),
        sa.Column("accepted_difference", sa.Text(), nullable=False),
        sa.Column("matched", sa.BigInteger(), nullable=False),
        sa.Column("within_tolerance", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=False),
        sa.Column("amount_and_date", sa.BigInteger(), nullable=False),
        sa.Column("missing_at_partner", sa.BigInteger(), nullable=False),
        sa.Column("missing_at_lead", sa.BigInteger(), nullable=False),
        sa.Column("duplicate_at_lead", sa.BigInteger(), nullable=False),
        sa.Column("duplicate_at_partner", sa.BigInteger(), nullable=False),
        sa.Column("last_block", sa.BigInteger(), nullable=False),
        sa.Column("contract_block", sa.BigInteger(), nullable=True),
        sa.Column("contract_lead_book", sa.Text(), nullable=True),
        sa.Column("contract_partner_book", sa.Text(), nullable=True),
        sa.Column("contract_agreed", sa.Text(), nullable=True),
        sa.Column("contract_open_lead", sa.Text(), nullable=True),
        sa.Column("contract_open_partner", sa.Text(), nullable=True),
        sa.Column("contract_accepted_difference", sa.Text(), nullable=True),
        sa.Column("contract_open_legs", sa.BigInteger(), nullable=True),
        sa.Column("contract_closed_through", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("facility", "partner", name=op.f("pk_accounts")),
    )
    op.create_table(
        "api_keys",
        sa.Column(
            "id",
            sa.String(length=12),
            nullable=False,
            comment="public part of the key, in logs and lists",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="who or what holds it"),
        sa.Column(
            "role", sa.String(length=8), nullable=False, comment="feeds, read, metrics, admin"
        ),
        sa.Column("hash", sa.Text(), nullable=False, comment="argon2id of the whole key"),
        sa.Column("created_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "revoked_at", sa.String(length=32), nullable=True, comment="UTC; null while it opens"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("facility", sa.String(length=64), nullable=False, comment="the facility's id"),
        sa.Column("facility_number", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("legs", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="the contract's digest after it",
        ),
        sa.Column("gas_limit", sa.BigInteger(), nullable=False),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="the newest state in batch_log"
        ),
        sa.Column("gas_used", sa.BigInteger(), nullable=True, comment="of the final receipt"),
        sa.Column("block_number", sa.BigInteger(), nullable=True, comment="of the final receipt"),
        sa.Column("fixed_at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "calldata", sa.LargeBinary(), nullable=False, comment="the call as fixed, never changed"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("facility", "sequence", name=op.f("uq_batches_facility_sequence")),
    )
    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.create_index("ix_batches_state", ["state", "facility", "sequence"], unique=False)

    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_blocks")),
        comment="Blocks that held events of ours; their hashes tell how deep a reorganisation "
        "went.",
    )
    op.create_table(
        "cursor",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cursor")),
        comment="How far the chain was read; one row.",
    )
    op.create_table(
        "facilities",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lead", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("decimals", sa.SmallInteger(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_block", sa.BigInteger(), nullable=False),
        sa.Column("activated_block", sa.BigInteger(), nullable=True),
        sa.Column("sealed_reference_key", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_facilities")),
        sa.UniqueConstraint("id", name=op.f("uq_facilities_id")),
    )
    op.create_table(
        "facility_partners",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("low_balance", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "partner", name=op.f("pk_facility_partners")),
    )
    op.create_table(
        "feeds",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column(
            "name",
            sa.Text(),
            nullable=False,
            comment="the file's name, or what the bulk was called",
        ),
        sa.Column(
            "source", sa.String(length=16), nullable=False, comment="file, folder, bulk, push"
        ),
        sa.Column("received_at", sa.String(length=32), nullable=False),
        sa.Column(
            "finished_at",
            sa.String(length=32),
            nullable=True,
            comment="null while it is read, or when that was cut short",
        ),
        sa.Column(
            "rows_in",
            sa.BigInteger(),
            nullable=False,
            comment="= accepted + duplicate + quarantined",
        ),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
    )
    with op.batch_alter_table("feeds", schema=None) as batch_op:
        batch_op.create_index("ix_feeds_source_name", ["facility", "source", "name"], unique=False)

    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("what", "place", "block", name="uq_incidents_once"),
        comment="What should not happen; kept when the view is made anew.",
    )
    op.create_table(
        "leases",
        sa.Column("lane", sa.String(length=42), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False, comment="grows with every new holder"),
        sa.Column(
            "expires_at", sa.BigInteger(), nullable=False, comment="UTC, milliseconds since 1970"
        ),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_leases")),
    )
    op.create_table(
        "members",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("operator", sa.LargeBinary(length=20), nullable=False),
        sa.Column("approver", sa.LargeBinary(length=20), nullable=False),
        sa.Column("sealing_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("recovery", sa.LargeBinary(length=20), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_members")),
    )
    op.create_table(
        "pairs",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("facility", sa.BigInteger(), nullable=False),
        sa.Column("partner", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("event_ref", sa.Text(), nullable=True),
        sa.Column("target_event_ref", sa.Text(), nullable=True),
        sa.Column("lead_amount", sa.BigInteger(), nullable=True),
        sa.Column("lead_value_day", sa.Integer(), nullable=True),
        sa.Column("lead_business_day", sa.Integer(), nullable=True),
        sa.Column("lead_sequence", sa.BigInteger(), nullable=True),
        sa.Column("lead_index", sa.Integer(), nullable=True),
        sa.Column("lead_posted_at", sa.BigInteger(), nullable=True),
        sa.Column("lead_reversed", sa.Boolean(), nullable=False),
        sa.Column("partner_amount", sa.BigInteger(), nullable=True),
        sa.Column("partner_value_day", sa.Integer(), nullable=True),
        sa.Column("partner_business_day", sa.Integer(), nullable=True),
        sa.Column("partner_sequence", sa.BigInteger(), nullable=True),
        sa.Column("partner_index", sa.Integer(), nullable=True),
        sa.Column("partner_posted_at", sa.BigInteger(), nullable=True),
        sa.Column("partner_reversed", sa.Boolean(), nullable=False),
        sa.Column("shares_version", sa.SmallInteger(), nullable=True),
        sa.Column("rules_version", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("first_posted_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("agreed_business_day", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pairs")),
        sa.UniqueConstraint(
            "ref",
            "kind",
            "partner",
            "facility",
            "target_kind",
            "target_ref",
            name="uq_pairs_identity",
        ),
    )
    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_pairs_unmatched",
            ["number"],
            unique=False,
            sqlite_where=sa.text("status <> 'matched'"),
            postgresql_where=sa.text("status <> 'matched'"),
        )
        batch_op.create_index(
            "ix_pairs_unmatched_account",
            ["facility", "partner", "number"],
            unique=False,
            sqlite_where=sa.text("status <> 'matched'"),
            postgresql_where=sa.text("status <> 'matched'"),
        )

    op.create_table(
        "postings",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.Column("block_time", sa.BigInteger(), nullable=False),
        sa.Column("legs", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "member", "sequence", name=op.f("pk_postings")),
    )
    with op.batch_alter_table("postings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_postings_block_number"), ["block_number"], unique=False
        )

    op.create_table(
        "rejections",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("facility", sa.BigInteger(), nullable=False),
        sa.Column("partner", sa.SmallInteger(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("event_ref", sa.Text(), nullable=True),
        sa.Column("target_kind", sa.SmallInteger(), nullable=False),
        sa.Column("target_ref", sa.LargeBinary(length=20), nullable=False),
        sa.Column("target_event_ref", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("value_day", sa.Integer(), nullable=False),
        sa.Column("business_day", sa.Integer(), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rejections")),
        sa.UniqueConstraint(
            "facility", "member", "sequence", "index", "partner", name="uq_rejections_leg"
        ),
    )
    op.create_table(
        "rule_versions",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("effective_from", sa.Integer(), nullable=False),
        sa.Column("amount_tolerance", sa.BigInteger(), nullable=False),
        sa.Column("date_window_days", sa.Integer(), nullable=False),
        sa.Column("match_deadline_seconds", sa.BigInteger(), nullable=False),
        sa.Column("cut_off_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "version", name=op.f("pk_rule_versions")),
    )
    op.create_table(
        "share_versions",
        sa.Column("facility", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("partner", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("effective_from", sa.Integer(), nullable=False),
        sa.Column("principal_bps", sa.Integer(), nullable=False),
        sa.Column("interest_bps", sa.Integer(), nullable=False),
        sa.Column("fee_bps", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "version", "partner", name=op.f("pk_share_versions")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "lane",
            sa.String(length=42),
            nullable=False,
            comment="operator address whose nonce it takes",
        ),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column(
            "raw_transaction",
            sa.LargeBinary(),
            nullable=False,
            comment="signed bytes, never changed",
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_attempts_batch_id_batches")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("lane", "nonce", name=op.f("uq_attempts_lane_nonce")),
        sa.UniqueConstraint("tx_hash", name=op.f("uq_attempts_tx_hash")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempts_batch_id"), ["batch_id"], unique=False)

    op.create_table(
        "batch_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_log_batch_id_batches")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_log")),
    )
    with op.batch_alter_table("batch_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_log_batch_id"), ["batch_id"], unique=False)

    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="the order of acceptance",
        ),
        sa.Column("feed_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "row", sa.BigInteger(), nullable=False, comment="its first physical line in the feed"
        ),
        sa.Column("facility", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column(
            "content",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="SHA-256 of the parsed values",
        ),
        sa.Column(
            "identity",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="SHA-256; see feeds/validation.py",
        ),
        sa.Column("duplicate_leg", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column(
            "partner", sa.SmallInteger(), nullable=False, comment="0 = all: the lead's shared kinds"
        ),
        sa.Column("event_ref", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("value_day", sa.Integer(), nullable=False),
        sa.Column("business_day", sa.Integer(), nullable=False),
        sa.Column("shares_day", sa.Integer(), nullable=False, comment="0 = the value day"),
        sa.Column("target_kind", sa.SmallInteger(), nullable=True, comment="reversals only"),
        sa.Column("target_ref", sa.String(length=64), nullable=True, comment="reversals only"),
        sa.Column("booked_at", sa.Text(), nullable=False),
        sa.Column(
            "details",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed: JSON of loan_ref, borrower_ref, memo",
        ),
        sa.Column("parts", sa.SmallInteger(), nullable=False, comment="chain parts that are not 0"),
        sa.Column("reversed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("accepted_at", sa.String(length=32), nullable=False),
        sa.Column(
            "batch_id",
            sa.BigInteger(),
            nullable=True,
            comment="null = waiting for the outbox, or nothing to post",
        ),
        sa.Column("leg_index", sa.Integer(), nullable=True, comment="word index in the posting"),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name=op.f("fk_events_feed_id_feeds")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_events_event_id")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_batch", ["batch_id", "leg_index"], unique=False)
        batch_op.create_index(
            "ix_events_waiting",
            ["facility", "id"],
            unique=False,
            sqlite_where=sa.text("batch_id IS NULL AND parts > 0"),
            postgresql_where=sa.text("batch_id IS NULL AND parts > 0"),
        )
        batch_op.create_index(
            "uq_events_identity",
            ["identity"],
            unique=True,
            sqlite_where=sa.text("duplicate_leg = 0"),
            postgresql_where=sa.text("NOT duplicate_leg"),
        )

    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "row", sa.BigInteger(), nullable=False, comment="its first physical line in the feed"
        ),
        sa.Column(
            "field", sa.String(length=16), nullable=False, comment="a column, or `row`, or `chain`"
        ),
        sa.Column("value", sa.LargeBinary(), nullable=False, comment="sealed: UTF-8"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feeds.id"], name=op.f("fk_quarantine_feed_id_feeds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quarantine_feed_id"), ["feed_id"], unique=False)

    op.create_table(
        "dead_letters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "batch_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="whose leg it was; null = never in one",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False, comment="UTC"),
        sa.Column(
            "replayed_at",
            sa.String(length=32),
            nullable=True,
            comment="UTC; null while it waits for a person",
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_dead_letters_batch_id_batches")
        ),
        sa.ForeignKeyConstraint(
            ["event"], ["events.id"], name=op.f("fk_dead_letters_event_events")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    with op.batch_alter_table("dead_letters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dead_letters_event"), ["event"], unique=False)
