"""Facilities as the chain has them, from the read model."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, select

from app.domain.errors import UsageFault
from app.domain.facility import (
    Bounds,
    CutOffVersion,
    Facility,
    Partner,
    Rules,
    SharesVersion,
)
from app.readmodel.consortium.tables import members
from app.readmodel.directory import directory
from app.readmodel.facilities.history import rules_versions, shares_versions
from app.readmodel.facilities.sight import ever_in_force
from app.readmodel.facilities.tables import (
    facilities,
    facility_partners,
    facility_pauses,
)
from app.readmodel.pairs.shapes import Page


@dataclass(frozen=True, slots=True)
class AgreedFacility:
    """A facility as agreed, with the numbers and keys that the chain gave it.

    `waiting_for` names the partners that have not accepted yet; `terms_hash` is what their
    acceptance signs (None: read by an older version of Tallystick).
    """

    number: int
    terms: Facility
    state: Literal["proposed", "active", "paused", "closed", "withdrawn"]
    waiting_for: tuple[str, ...]
    sealed_reference_key: bytes | None
    terms_hash: bytes | None
    paused_by: tuple[str, ...]

    @property
    def active(self) -> bool:
        """Whether legs are taken now."""
        return self.state == "active"


def agreed_facilities(
    connection: Connection, among: ColumnElement[bool] | None = None
) -> list[AgreedFacility]:
    """The facilities on the chain by number: those of a condition (`facilities.sight`), or every
    one, proposed ones included."""
    asked = select(facilities).order_by(facilities.c.number)
    if among is not None:
        asked = asked.where(among)
    return [_agreed(connection, row) for row in connection.execute(asked)]


def page_of_facilities(
    connection: Connection, limit: int, before: int | None
) -> Page[AgreedFacility]:
    """At most `limit` (1 or more) of all facilities, newest first: those below number `before`."""
    asked = select(facilities).order_by(facilities.c.number.desc()).limit(limit + 1)
    if before is not None:
        asked = asked.where(facilities.c.number < before)
    found = connection.execute(asked).all()
    shown = found[:limit]
    return Page(
        [_agreed(connection, row) for row in shown],
        shown[-1].number if len(found) > limit else None,
    )


def facilities_of(
    connection: Connection, bank: str, among: ColumnElement[bool]
) -> list[AgreedFacility]:
    """Those of a condition that a bank is a party to."""
    return [one for one in agreed_facilities(connection, among) if bank in one.terms.banks]


def agreed_facility(connection: Connection, id_: str) -> AgreedFacility | None:
    """The facility of that id; None where there is none, or only withdrawn ones."""
    row = connection.execute(
        select(facilities)
        .where(facilities.c.id == id_, facilities.c.state != "withdrawn")
        .order_by(facilities.c.number.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _agreed(connection, row)


def known_facility(connection: Connection, id_: str) -> AgreedFacility:
    """As `agreed_facility`. Raises UsageFault, which names the others, where there is none."""
    found = agreed_facility(connection, id_)
    if found is None:
        known = ", ".join(one.id for one in directory(connection).facilities.values())
        raise UsageFault(
            f"facility {id_!r} is not on this chain, as far as this bank's node has read it",
            remedy=f"Its facilities: {known or 'none yet'}",
        )
    return found


def _agreed(connection: Connection, row: Row[tuple[object, ...]]) -> AgreedFacility:
    names = {one.number: one.name for one in connection.execute(select(members))}
    rules, *later_rules = rules_versions(connection, row.number)
    shares, *later_shares = shares_versions(connection, row.number)
    partners = connection.execute(
        select(facility_partners)
        .where(facility_partners.c.facility == row.number)
        .order_by(facility_partners.c.partner)
    ).all()
    return AgreedFacility(
        number=row.number,
        terms=Facility(
            id=row.id,
            lead=names[row.lead],
            currency=row.currency,
            decimals=row.decimals,
            time_zone=row.time_zone,
            cut_off=rules.cut_off,
            rules=Rules(
                amount_tolerance=rules.amount_tolerance,
                date_window_days=rules.date_window_days,
                match_deadline_hours=rules.match_deadline_seconds // 3600,
            ),
            partners=tuple(
                Partner(
                    number=partner.partner,
                    name=names[partner.member],
                    shares=its_shares,
                    low_balance=partner.low_balance,
                )
                for partner, its_shares in zip(partners, shares.shares, strict=True)
            ),
            bounds=Bounds(row.least_lead_bps, row.largest_partner_bps),
            split=row.split,
            first_day=row.first_day,
            later_shares=tuple(
                SharesVersion(one.effective_from, one.shares) for one in later_shares
            ),
            later_cut_offs=tuple(
                CutOffVersion(one.effective_from, one.cut_off) for one in later_rules
            ),
        ),
        state=row.state,
        waiting_for=tuple(names[p.member] for p in partners if not p.accepted),
        sealed_reference_key=row.sealed_reference_key,
        terms_hash=row.terms_hash,
        paused_by=tuple(
            names[member]
            for member in connection.scalars(
                select(facility_pauses.c.member)
                .where(
                    facility_pauses.c.facility == row.number,
                    facility_pauses.c.resumed_time.is_(None),
                )
                .order_by(facility_pauses.c.number)
            )
        ),
    )


def sealed_reference_keys(connection: Connection) -> list[bytes]:
    """The reference keys of the facilities that have legs, as they are sealed to this node's
    member."""
    found = connection.scalars(
        select(facilities.c.sealed_reference_key)
        .where(ever_in_force())
        .order_by(facilities.c.number)
    )
    return [sealed for sealed in found if sealed is not None]
