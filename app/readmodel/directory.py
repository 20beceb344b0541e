"""Members and facilities by their numbers and names."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, false, or_, select

from app.domain.errors import UsageFault
from app.readmodel import tables as t


@dataclass(frozen=True, slots=True)
class Member:
    """A bank, auditor or regulator. `role`: lead, partner, auditor or regulator."""

    number: int
    name: str
    role: str
    operator: str
    approver: str
    sealing_key: bytes


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner of a facility. `low_balance`: the alert threshold, minor units."""

    number: int
    member: int
    name: str
    low_balance: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility as the chain has it; `lead`: the bank's name.

    `state`: proposed, active, paused, closed or withdrawn.
    """

    number: int
    id: str
    lead: str
    lead_member: int
    currency: str
    decimals: int
    time_zone: str
    state: str
    partners: tuple[Partner, ...]


@dataclass(frozen=True, slots=True)
class Directory:
    """Members and facilities by number, as the chain has them."""

    members: dict[int, Member]
    facilities: dict[int, Facility]

    def facility(self, facility_id: str) -> Facility | None:
        """The facility of a text id: the last one, as those before it were withdrawn."""
        return next(
            (one for one in reversed(self.facilities.values()) if one.id == facility_id), None
        )

    def known_facility(self, facility_id: str) -> Facility:
        """As `facility`. Raises UsageFault for one that is not known here."""
        found = self.facility(facility_id)
        if found is None:
            known = ", ".join(one.id for one in self.facilities.values()) or "none yet"
            raise UsageFault(
                f"facility {facility_id!r} is not on this chain", remedy=f"Its facilities: {known}"
            )
        return found

    def member(self, name: str) -> Member | None:
        return next((one for one in self.members.values() if one.name == name), None)

    def member_name(self, number: int) -> str:
        """A member's name; `member N` for one that is not known."""
        known = self.members.get(number)
        return f"member {number}" if known is None else known.name

    def optional_name(self, number: int | None) -> str | None:
        """The same; None for none."""
        return None if number is None else self.member_name(number)

    def partner_name(self, facility: int, partner: int) -> str:
        """A partner's name; `unknown (N)` where the facility has no such partner."""
        terms = self.facilities.get(facility)
        if terms is not None and 0 < partner <= len(terms.partners):
            return terms.partners[partner - 1].name
        return f"unknown ({partner})"

    def facility_id(self, facility: int) -> str:
        terms = self.facilities.get(facility)
        return terms.id if terms is not None else f"unknown ({facility})"

    def bank(self, facility: int, partner: int, side: str) -> str:
        """The name of the bank whose half `side` (lead, partner) is."""
        terms = self.facilities.get(facility)
        if side == "lead":
            return terms.lead if terms is not None else "unknown"
        return self.partner_name(facility, partner)


def directory(connection: Connection) -> Directory:
    """Read all names; the tables are small."""
    members = {
        row.number: Member(
            number=row.number,
            name=row.name,
            role=row.role,
            operator="0x" + row.operator.hex(),
            approver="0x" + row.approver.hex(),
            sealing_key=bytes(row.sealing_key),
        )
        for row in connection.execute(select(t.members).order_by(t.members.c.number))
    }

    def name(member: int) -> str:
        return members[member].name if member in members else f"member {member}"

    partners: dict[int, list[Partner]] = {}
    for row in connection.execute(
        select(t.facility_partners).order_by(
            t.facility_partners.c.facility, t.facility_partners.c.partner
        )
    ):
        partners.setdefault(row.facility, []).append(
            Partner(row.partner, row.member, name(row.member), row.low_balance, row.accepted)
        )
    facilities = {
        row.number: Facility(
            number=row.number,
            id=row.id,
            lead=name(row.lead),
            lead_member=row.lead,
            currency=row.currency,
            decimals=row.decimals,
            time_zone=row.time_zone,
            state=row.state,
            partners=tuple(partners.get(row.number, ())),
        )
        for row in connection.execute(select(t.facilities).order_by(t.facilities.c.number))
    }
    return Directory(members, facilities)


def of_account(
    names: Directory, table: Table, facility: str | None, partner: str | None
) -> list[ColumnElement[bool]]:
    """What narrows a table with `facility` and `partner` numbers to those of these names; None is
    any, names that nobody has select nothing."""
    c: Any = table.c
    conditions: list[ColumnElement[bool]] = []
    if facility is not None:
        known = names.facility(facility)
        conditions.append(c.facility == known.number if known else false())
    if partner is not None:
        accounts = (
            and_(c.facility == one.number, c.partner == holder.number)
            for one in names.facilities.values()
            for holder in one.partners
            if holder.name == partner
        )
        conditions.append(or_(false(), *accounts))
    return conditions
