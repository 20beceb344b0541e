"""Facilities as the chain has them, from the read model."""

from dataclasses import dataclass
from datetime import time

from sqlalchemy import Connection, Row, select

from app.domain.facility import Bounds, Facility, Partner, Rules, Shares
from app.readmodel.tables import (
    facilities,
    facility_partners,
    members,
    rule_versions,
    share_versions,
)

_FIRST_VERSION = 1


@dataclass(frozen=True, slots=True)
class AgreedFacility:
    """A facility's first terms, with the numbers and keys that the chain gave it.

    `readers` maps the members who may read details (banks, auditors and regulators) to their
    X25519 sealing keys; `waiting_for` names the partners that have not accepted yet.
    """

    number: int
    terms: Facility
    active: bool
    readers: dict[int, bytes]
    waiting_for: tuple[str, ...]
    sealed_reference_key: bytes | None


def agreed_facilities(connection: Connection) -> list[AgreedFacility]:
    """Every facility on the chain, proposed ones included, by number."""
    return [
        _agreed(connection, row)
        for row in connection.execute(select(facilities).order_by(facilities.c.number))
    ]


def _agreed(connection: Connection, row: Row[tuple[object, ...]]) -> AgreedFacility:
    names: dict[int, str] = {}
    sealing_keys: dict[int, bytes] = {}
    observers: set[int] = set()
    for member in connection.execute(select(members)):
        names[member.number] = member.name
        sealing_keys[member.number] = member.sealing_key
        if member.role in ("auditor", "regulator") and member.state == "active":
            observers.add(member.number)
    rules = connection.execute(
        select(rule_versions).where(
            rule_versions.c.facility == row.number, rule_versions.c.version == _FIRST_VERSION
        )
    ).one()
    partners = connection.execute(
        select(facility_partners, share_versions)
        .join(
            share_versions,
            (share_versions.c.facility == facility_partners.c.facility)
            & (share_versions.c.partner == facility_partners.c.partner),
        )
        .where(
            facility_partners.c.facility == row.number,
            share_versions.c.version == _FIRST_VERSION,
        )
        .order_by(facility_partners.c.partner)
    ).all()
    banks = {row.lead, *(partner.member for partner in partners)}
    minutes, second = divmod(rules.cut_off_seconds, 60)
    return AgreedFacility(
        number=row.number,
        terms=Facility(
            id=row.id,
            lead=names[row.lead],
            currency=row.currency,
            decimals=row.decimals,
            time_zone=row.time_zone,
            cut_off=time(minutes // 60, minutes % 60, second),
            rules=Rules(
                amount_tolerance=rules.amount_tolerance,
                date_window_days=rules.date_window_days,
                match_deadline_hours=rules.match_deadline_seconds // 3600,
            ),
            partners=tuple(
                Partner(
                    number=partner.partner,
                    name=names[partner.member],
                    shares=Shares(partner.principal_bps, partner.interest_bps, partner.fee_bps),
                    low_balance=partner.low_balance,
                )
                for partner in partners
            ),
            bounds=Bounds(row.least_lead_bps, row.largest_partner_bps),
        ),
        active=row.state == "active",
        readers={number: sealing_keys[number] for number in sorted(banks | observers)},
        waiting_for=tuple(names[p.member] for p in partners if not p.accepted),
        sealed_reference_key=row.sealed_reference_key,
    )
