"""The reasons that banks gave for what they did, as far as this node may read them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from app.readmodel.directory import directory
from app.readmodel.reasons.tables import reasons
from app.readmodel.values import to_time


@dataclass(frozen=True, slots=True)
class GivenReason:
    """A reason: keccak256 of salt and text is its hash."""

    reason_hash: bytes
    member: str
    text: str
    salt: bytes
    given_at: datetime
    transaction: str


def reason(connection: Connection, reason_hash: bytes) -> GivenReason | None:
    """The reason of that hash; None where none was given that this node may read."""
    row = connection.execute(
        select(reasons).where(reasons.c.reason_hash == reason_hash)
    ).one_or_none()
    if row is None:
        return None
    return GivenReason(
        bytes(row.reason_hash),
        directory(connection).members[row.member].name,
        row.text,
        bytes(row.salt),
        to_time(row.given_at),
        "0x" + bytes(row.tx_hash).hex(),
    )
