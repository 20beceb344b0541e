"""Pairs that got their second half lately."""

from collections.abc import Mapping

from sqlalchemy import Connection, and_, func, or_, select

from app.readmodel.directory import directory
from app.readmodel.pairs.tables import pairs


def completed_pairs(connection: Connection, facility: str, since: Mapping[int, int]) -> int:
    """Count pairs of a facility (its id) whose later half came after the sequences `since`.

    `since` maps member numbers to the sequence of each one's last posting before.
    """
    known, c = directory(connection).known_facility(facility), pairs.c
    recent = (
        and_(c.partner == one.number, c.partner_sequence > since.get(one.member, 0))
        for one in known.partners
    )
    both = (c.lead_amount.is_not(None), c.partner_amount.is_not(None))
    found = select(func.count()).where(
        c.facility == known.number,
        *both,
        or_(c.lead_sequence > since.get(known.lead_member, 0), *recent),
    )
    return int(connection.execute(found).scalar_one())
