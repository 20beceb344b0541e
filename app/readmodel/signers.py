"""Whose keys signed: a member's key of a purpose at the block where it was used."""

from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from sqlalchemy import Connection, func, or_, select

from app.readmodel.chain import blocks
from app.readmodel.consortium.tables import member_keys
from app.readmodel.pairs.tables import postings


@dataclass(frozen=True, slots=True)
class Posting:
    """The transaction that carried a leg. `block_hash` is None where the view does not keep it."""

    transaction: str
    block: int
    block_hash: str | None


def key_at(connection: Connection, member: int, purpose: str, block: int) -> str | None:
    """The address of a member's operator or approver key at a block; None where it had none."""
    k = member_keys.c
    key = connection.execute(
        select(k.key)
        .where(
            k.member == member,
            k.purpose == purpose,
            k.since_block <= block,
            or_(k.retired_block.is_(None), k.retired_block >= block),
        )
        .order_by(k.since_block.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if key is None else to_checksum_address(bytes(key))


def posting_of(connection: Connection, facility: int, member: int, sequence: int) -> Posting:
    """The transaction of a bank's posting under this sequence number."""
    p = postings.c
    row = connection.execute(
        select(postings, blocks.c.hash)
        .outerjoin(blocks, blocks.c.number == p.block_number)
        .where(p.facility == facility, p.member == member, p.sequence == sequence)
    ).one()
    block_hash = None if row.hash is None else "0x" + row.hash.hex()
    return Posting("0x" + row.tx_hash.hex(), row.block_number, block_hash)


def block_at(connection: Connection, time: int) -> int:
    """The last block of ours at a block time that is one of theirs; 0 before the first."""
    b = blocks.c
    found = connection.execute(select(func.max(b.number)).where(b.timestamp <= time))
    return int(found.scalar_one() or 0)
