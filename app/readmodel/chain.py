"""How far the chain was read, and what went wrong on the way."""

import json
from dataclasses import dataclass
from datetime import datetime

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    select,
)

from app.db.metadata import metadata
from app.readmodel.values import to_time

cursor = Table(
    "cursor",
    metadata,
    Column(
        "id",
        SmallInteger,
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
    # Who may seal the next block, and the open votes on that (JSON); where engines seal.
    Column("validators", Text),
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

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    # rewind, rebuilt, unequal_halves, judgement_differs, books_differ, unreadable, ...
    Column("what", Text, nullable=False),
    Column("place", Text, nullable=False),  # where, and what was seen there
    Column("block", BigInteger, nullable=False),
    Column("noticed_at", BigInteger, nullable=False),  # this node's own clock
    UniqueConstraint("what", "place", "block", name="uq_incidents_once"),
    comment="What should not happen; kept when the view is made anew.",
)


@dataclass(frozen=True, slots=True)
class Position:
    """The last block that the read model holds."""

    block_number: int
    block_hash: str
    block_time: datetime


@dataclass(frozen=True, slots=True)
class Incident:
    """What should not happen, and did. `noticed_at` by this node's clock."""

    what: str
    place: str
    block: int
    noticed_at: datetime


def position(connection: Connection) -> Position | None:
    """How far the chain was read; None before the first block."""
    row = connection.execute(select(cursor)).one_or_none()
    if row is None:
        return None
    return Position(row.block_number, "0x" + row.block_hash.hex(), to_time(row.block_time))


def position_at(connection: Connection, number: int) -> Position | None:
    """The last block up to `number` that held an event of ours; None before the first.

    Raises LookupError where a later block has the same time: what it brought cannot be told apart.
    """
    b = blocks.c
    row = connection.execute(
        select(blocks).where(b.number <= number).order_by(b.number.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    following = select(b.timestamp).where(b.number > number).order_by(b.number).limit(1)
    if connection.execute(following).scalar_one_or_none() == row.timestamp:
        raise LookupError(number)
    return Position(row.number, "0x" + row.hash.hex(), to_time(row.timestamp))


def clock(connection: Connection) -> int:
    """The chain's clock: the time of the last block that was read, 0 before the first."""
    return connection.execute(select(cursor.c.block_time)).scalar_one_or_none() or 0


def sealing_validators(connection: Connection) -> set[ChecksumAddress]:
    """Who may seal the next block, followed block by block; nobody before the first one that was
    verified."""
    kept = connection.execute(select(cursor.c.validators)).scalar_one_or_none()
    if kept is None:
        return set()
    return {to_checksum_address("0x" + one) for one in json.loads(kept)["validators"]}


def newest_incidents(connection: Connection, limit: int = 100) -> list[Incident]:
    """The newest first."""
    rows = connection.execute(select(incidents).order_by(incidents.c.id.desc()).limit(limit))
    return [Incident(row.what, row.place, row.block, to_time(row.noticed_at)) for row in rows]
