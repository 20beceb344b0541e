"""A facility's terms as they stood after a block."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.readmodel import tables as t
from app.readmodel.directory import Directory, Facility
from app.readmodel.facilities.history import FacilityHistory


@dataclass(frozen=True, slots=True)
class Terms:
    """`hash` (None: read by an older version of Tallystick) is what a partner accepts; `state`:
    proposed, active, paused, closed or withdrawn; bounds in basis points, 0 = no bound; `first_day`
    as the chain counts days."""

    hash: str | None
    state: str
    accepted_by: tuple[str, ...]
    observers: tuple[str, ...]
    proposed_block: int
    activated_block: int | None
    split: str
    first_day: int
    least_lead_bps: int
    largest_partner_bps: int


def terms_at(
    connection: Connection,
    names: Directory,
    facility: Facility,
    history: FacilityHistory,
    block: int,
) -> Terms | None:
    """The terms after a block, with the facility's `history` up to it; None where no one had
    proposed them yet. When each partner accepted is not kept: `accepted_by` is all of them once the
    facility was in force by then, nobody before that, and of one that still waits who has by now.
    """
    row = connection.execute(
        select(t.facilities).where(t.facilities.c.number == facility.number)
    ).one()
    if row.proposed_block > block:
        return None
    activated = row.activated_block is not None and row.activated_block <= block
    is_closed = any(one.kind == "close" and one.state == "in_force" for one in history.changes)
    if not activated:
        state = "withdrawn" if row.state == "withdrawn" else "proposed"
    elif is_closed:
        state = "closed"
    else:
        is_paused = any(one.resumed_at is None for one in history.pauses)
        state = "paused" if is_paused else "active"
    observers = connection.scalars(
        select(t.facility_observers.c.member)
        .where(t.facility_observers.c.facility == facility.number)
        .order_by(t.facility_observers.c.member)
    )
    never_activated = row.activated_block is None
    return Terms(
        hash=None if row.terms_hash is None else "0x" + bytes(row.terms_hash).hex(),
        state=state,
        accepted_by=tuple(
            one.name for one in facility.partners if activated or (never_activated and one.accepted)
        ),
        observers=tuple(names.member_name(one) for one in observers),
        proposed_block=row.proposed_block,
        activated_block=row.activated_block if activated else None,
        split=row.split,
        first_day=row.first_day,
        least_lead_bps=row.least_lead_bps,
        largest_partner_bps=row.largest_partner_bps,
    )
