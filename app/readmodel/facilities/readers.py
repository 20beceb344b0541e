"""Who may read what is sealed for a facility: the one rule, asked whenever something is sealed."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from app.readmodel.consortium.tables import members
from app.readmodel.facilities.tables import facilities, facility_observers, facility_partners

_BANKS = ("lead", "partner")
_OBSERVERS = ("auditor", "regulator")


def facility_readers(
    connection: Connection, facility: int, *, partner: int | None = None
) -> dict[int, bytes]:
    """Who may read the details of a facility's legs now, by member: X25519 sealing keys.

    With `partner`, who may read what concerns that partner's account alone: no other partner.
    """
    lead = connection.execute(
        select(facilities.c.lead).where(facilities.c.number == facility)
    ).scalar_one()
    p, o = facility_partners.c, facility_observers.c
    partners = select(p.member).where(p.facility == facility)
    if partner is not None:
        partners = partners.where(p.partner == partner)
    return readers(
        connection,
        banks={lead, *connection.scalars(partners)},
        observers=set(connection.scalars(select(o.member).where(o.facility == facility))),
    )


def readers(
    connection: Connection, *, banks: Collection[int], observers: Collection[int] | None
) -> dict[int, bytes]:
    """Sealing keys by member number: of those of `banks` that are active banks, and of those of
    `observers` (None: all members) that are active auditors or regulators."""
    found = {}
    for row in connection.execute(
        select(members).where(members.c.state == "active").order_by(members.c.number)
    ):
        is_bank = row.role in _BANKS and row.number in banks
        is_observer = row.role in _OBSERVERS and (observers is None or row.number in observers)
        if is_bank or is_observer:
            found[row.number] = bytes(row.sealing_key)
    return found
