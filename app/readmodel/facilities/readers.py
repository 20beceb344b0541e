"""Who may read what is sealed for a facility: the one rule, asked whenever something is sealed."""

from collections.abc import Collection

from sqlalchemy import BindParameter, Connection, bindparam, select

from app.readmodel.consortium.tables import members
from app.readmodel.facilities.tables import facilities, facility_observers, facility_partners

_BANKS = ("lead", "partner")
_OBSERVERS = ("auditor", "regulator")

_FACILITY: BindParameter[int] = bindparam("facility")
_LEAD = select(facilities.c.lead).where(facilities.c.number == _FACILITY)
_PARTNERS = select(facility_partners.c.member, facility_partners.c.partner).where(
    facility_partners.c.facility == _FACILITY
)
_FACILITY_OBSERVERS = select(facility_observers.c.member).where(
    facility_observers.c.facility == _FACILITY
)
_ACTIVE_MEMBERS = (
    select(members.c.number, members.c.role, members.c.sealing_key)
    .where(members.c.state == "active")
    .order_by(members.c.number)
)


def facility_readers(
    connection: Connection, facility: int, *, partner: int | None = None
) -> dict[int, bytes]:
    """Who may read the details of a facility's legs now, by member: X25519 sealing keys.

    With `partner`, who may read what concerns that partner's account alone: no other partner.
    """
    wanted = {"facility": facility}
    lead = connection.execute(_LEAD, wanted).scalar_one()
    partners = connection.execute(_PARTNERS, wanted).all()
    return readers(
        connection,
        banks={lead, *(member for member, number in partners if partner in (None, number))},
        observers=set(connection.scalars(_FACILITY_OBSERVERS, wanted)),
    )


def readers(
    connection: Connection, *, banks: Collection[int], observers: Collection[int] | None
) -> dict[int, bytes]:
    """Sealing keys by member number: of those of `banks` that are active banks, and of those of
    `observers` (None: all members) that are active auditors or regulators."""
    found = {}
    for row in connection.execute(_ACTIVE_MEMBERS):
        is_bank = row.role in _BANKS and row.number in banks
        is_observer = row.role in _OBSERVERS and (observers is None or row.number in observers)
        if is_bank or is_observer:
            found[row.number] = bytes(row.sealing_key)
    return found
