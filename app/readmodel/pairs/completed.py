"""Pairs that got their second half lately."""

from collections.abc import Mapping

from sqlalchemy import Connection, and_, func, or_, select

from app.readmodel import tables as t


def completed_pairs(connection: Connection, facility: str, since: Mapping[int, int]) -> int:
    """Count pairs of a facility (its id) whose later half came after the sequences `since`.

    `since` maps member numbers to the sequence of each one's last posting before.
    """
    pairs, partners = t.pairs, t.facility_partners
    number, lead = connection.execute(
        select(t.facilities.c.number, t.facilities.c.lead).where(t.facilities.c.id == facility)
    ).one()
    recent = [pairs.c.lead_sequence > since.get(lead, 0)]
    for partner, member in connection.execute(
        select(partners.c.partner, partners.c.member).where(partners.c.facility == number)
    ):
        recent.append(
            and_(pairs.c.partner == partner, pairs.c.partner_sequence > since.get(member, 0))
        )
    return int(
        connection.execute(
            select(func.count()).where(
                pairs.c.facility == number,
                pairs.c.lead_amount.is_not(None),
                pairs.c.partner_amount.is_not(None),
                or_(*recent),
            )
        ).scalar_one()
    )
