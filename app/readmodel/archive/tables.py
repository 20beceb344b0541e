"""Which archives there are, and which pairs lie in them and no more in `pairs`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY

archives = Table(
    "archives",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("facility", BigInteger, nullable=False),
    Column("month", String(7), nullable=False, comment="YYYY-MM, of the agreed business days"),
    Column("before", Integer, nullable=False, comment="day: all of its days are earlier"),
    Column("folder", Text, nullable=False, comment="absolute"),
    Column(
        "state",
        String(8),
        nullable=False,
        comment="writing (its files), moving (out of the database), whole",
    ),
    Column("made_at", String(32), nullable=False, comment="UTC"),
    # Of its files; null while they are written.
    Column("manifest_sha256", LargeBinary(32)),
    Column("pairs_sha256", LargeBinary(32)),
    Column("batches_sha256", LargeBinary(32)),
    Column("events_sha256", LargeBinary(32)),
    # Of its pairs; null while it is written.
    Column("first_number", BigInteger),
    Column("last_number", BigInteger),
    Column("first_day", Integer, comment="the first day that moved a book"),
    Column("last_day", Integer),
    Column(
        "holds_pairs",
        Boolean,
        nullable=False,
        comment="false while it is written, and after a rebuild, which takes all pairs back",
    ),
)

archived_pairs = Table(
    "archived_pairs",
    metadata,
    Column("ref", LargeBinary(20), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("archive", ForeignKey("archives.id"), nullable=False),
    comment="Where each pair is that is not in the table of pairs.",
    sqlite_with_rowid=False,
)
