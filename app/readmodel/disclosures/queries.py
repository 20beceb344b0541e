"""What members disclosed, from the read model."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from app.readmodel.chain import cursor
from app.readmodel.directory import directory
from app.readmodel.disclosures.tables import (
    audit_anchors,
    detail_grants,
    granted_names,
    granted_openings,
)
from app.readmodel.values import optional_time, to_date, to_time


@dataclass(frozen=True, slots=True)
class Grant:
    """Details of a bank's own batches, opened to an observer. `first` and `last`: business dates of
    the legs. `names`: how many references it opens here; 0 at any other node, and while it
    `is_opening`, step by step."""

    number: int
    facility: str
    bank: str
    reader: str
    first: date
    last: date
    granted_at: datetime
    transaction: str
    revoked_by: str | None
    revoked_at: datetime | None
    names: int
    is_opening: bool


@dataclass(frozen=True, slots=True)
class AuditAnchor:
    """The head of a member's audit trail, as the chain has it: that it had `rows` rows, and the
    last one's hash."""

    rows: int
    head: bytes
    anchored_at: datetime
    block_number: int


def grants(connection: Connection, facility: str | None = None) -> list[Grant]:
    """All grants, of one facility where its id is given, in the order of their numbers."""
    names = directory(connection)
    g, o = detail_grants.c, granted_openings.c
    return [
        Grant(
            row.number,
            names.facility_id(row.facility),
            names.members[row.member].name,
            names.members[row.reader].name,
            to_date(row.from_day),
            to_date(row.to_day),
            to_time(row.granted_at),
            "0x" + bytes(row.tx_hash).hex(),
            None if row.revoked_by is None else names.members[row.revoked_by].name,
            optional_time(row.revoked_at),
            row.names,
            bool(row.is_opening),
        )
        for row in connection.execute(
            select(detail_grants, o.sealed_keys.is_not(None).label("is_opening"))
            .outerjoin(granted_openings, o.number == g.number)
            .order_by(g.number)
        )
        if facility in (None, names.facility_id(row.facility))
    ]


def granted_references(connection: Connection, event_ref: str) -> list[bytes]:
    """What an event_ref is on the chain, by the names that grants open here."""
    n = granted_names.c
    return [
        bytes(one)
        for one in connection.scalars(select(n.ref).distinct().where(n.event_ref == event_ref))
    ]


def own_anchors(connection: Connection) -> list[AuditAnchor]:
    """The heads that the node's own member has anchored, by their rows."""
    a = audit_anchors.c
    own = select(cursor.c.member).scalar_subquery()
    return [
        AuditAnchor(row.rows, bytes(row.head), to_time(row.anchored_at), row.block_number)
        for row in connection.execute(select(audit_anchors).where(a.member == own).order_by(a.rows))
    ]
