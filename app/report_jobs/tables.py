"""The table of report jobs."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from app.db.metadata import metadata
from app.db.types import BIG_KEY

report_jobs = Table(
    "report_jobs",
    metadata,
    Column("number", BIG_KEY, primary_key=True),
    Column("id", String(16), nullable=False, unique=True),  # the name of its file
    Column("report", String(32), nullable=False),
    Column("facility", Text, nullable=False),  # its id
    Column("partner", Text),  # null for all partners
    Column("first", String(10), nullable=False),  # business date, included
    Column("last", String(10), nullable=False),  # business date, included
    Column("block", BigInteger),  # as asked for; null for the last one
    Column("format", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("asked_by", String(64), nullable=False),  # a person's user name
    Column("asked_at", String(32), nullable=False),  # UTC
    Column("state", String(8), nullable=False),  # waiting, making, made, failed
    Column("section", Text, nullable=False),  # that is being written
    Column("lines", BigInteger, nullable=False),  # of that section
    Column("ended_at", String(32)),  # UTC
    Column("as_of", BigInteger),  # the block as of which it was made
    Column("size", BigInteger),  # bytes
    Column("sha256", String(64)),
    Column("why", Text, nullable=False),  # it failed
)
