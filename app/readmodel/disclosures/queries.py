"""What members disclosed, from the read model."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from app.readmodel.chain import cursor
from app.readmodel.directory import directory
from app.readmodel.disclosures.tables import audit_anchors, detail_grants, granted_names
from app.readmodel.values import optional_time, to_date, to_time


@dataclass(frozen=True, slots=True)
class Grant:
    """Details of a bank's own batches, opened to an observer. `first` and `last`: business dates of
    the legs. `names`: how many references it opens here (0 at any other node)."""

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
    g, n = detail_grants.c, granted_names.c
    opened = select(func.count()).where(n.grant == g.number).scalar_subquery()
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
        )
        for row in connection.execute(
            select(detail_grants, opened.label("names")).order_by(g.number)
        )
        if facility in (None, names.facility_id(row.facility))
    ]


def granted_name(connection: Connection, facility: int, reference: bytes) -> str | None:
    """A reference's name as grants open it here; None where none does, or where two banks have
    sealed different ones."""
    n = granted_names.c
    found = connection.scalars(
        select(n.event_ref).distinct().where(n.facility == facility, n.ref == reference)
    ).all()
    return found[0] if len(found) == 1 else None


def own_anchors(connection: Connection) -> list[AuditAnchor]:
    """The heads that the node's own member has anchored, by their rows."""
    a = audit_anchors.c
    own = select(cursor.c.member).scalar_subquery()
    return [
        AuditAnchor(row.rows, bytes(row.head), to_time(row.anchored_at), row.block_number)
        for row in connection.execute(select(audit_anchors).where(a.member == own).order_by(a.rows))
    ]
