"""Names for the chain's numbers: members, facilities, partners, kinds, days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from sqlalchemy import Connection, select

from app.domain.kinds import Kind
from app.readmodel import tables as t
from app.readmodel.results import Facility, Member, Partner

KIND_NAMES = {int(kind): kind.feed_name for kind in Kind}


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

    def member(self, name: str) -> Member | None:
        return next((one for one in self.members.values() if one.name == name), None)

    def member_name(self, number: int) -> str:
        """A member's name; `member N` for one that is not known."""
        known = self.members.get(number)
        return f"member {number}" if known is None else known.name

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


def kind_name(kind: int) -> str:
    """A kind's name in feeds; `unknown (N)` for what only a rejected leg can carry."""
    return KIND_NAMES.get(kind) or f"unknown ({kind})"


def target_name(kind: int, reference: bytes, event_ref: str | None) -> str | None:
    """`kind/event_ref` of a reversal's target, `kind/#hash` where the name is unknown."""
    if kind == 0:
        return None
    return f"{kind_name(kind)}/{event_ref if event_ref is not None else '#' + reference.hex()}"


@lru_cache(4096)
def to_date(day: int) -> date:
    """A day of the chain as a date, kept within the calendar (a bank may post any number)."""
    return date.fromordinal(min(max(day, 1), date.max.toordinal()))


@lru_cache(4096)
def to_time(seconds: int) -> datetime:
    """A block's time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
