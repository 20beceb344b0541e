"""What people of this bank note about breaks. Times are UTC in ISO 8601."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db.metadata import metadata
from app.db.types import BIG_KEY, Sealed

break_assignments = Table(
    "break_assignments",
    metadata,
    Column("pair", BIG_KEY, primary_key=True, autoincrement=False, comment="the break's number"),
    Column("person", ForeignKey("people.id"), nullable=False, index=True),
)

break_notes = Table(
    "break_notes",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("pair", BigInteger, nullable=False, index=True, comment="the break's number"),
    Column("what", String(10), nullable=False, comment="comment, assigned or unassigned"),
    Column("author", Text, nullable=False, comment="as the person was called then"),
    Column("sealed", Sealed(), nullable=False, comment="sealed: the text; who is assigned"),
    Column("at", String(32), nullable=False),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("query", Text, nullable=False, comment="the filter as it stands in the address"),
    UniqueConstraint("person", "name", name="uq_saved_views_name"),
)
