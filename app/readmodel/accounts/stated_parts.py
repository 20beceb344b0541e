"""By how much the parts that a lead states differ from the shares, by account."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.domain.chunks import chunks
from app.domain.kinds import Kind, effect
from app.domain.stated_parts import differences_from_shares
from app.readmodel import tables as t
from app.readmodel.archive.source import with_archive
from app.readmodel.directory import Facility

_REFS_AT_A_TIME = 500


def stated_differences(
    connection: Connection, facility: Facility, first: date, last: date
) -> Mapping[int, int] | None:
    """By partner, in minor units signed by their effect on the reserve: of the lead's legs of
    business dates from `first` to `last`, both included.

    A reversal takes back what its target's part differs by. None where the contract splits, and
    where this view does not hold the accounts of all partners: parts are held against each other.
    """
    number = facility.number
    split = connection.execute(
        select(t.facilities.c.split).where(t.facilities.c.number == number)
    ).scalar_one()
    held = connection.execute(
        select(func.count()).select_from(t.accounts).where(t.accounts.c.facility == number)
    ).scalar_one()
    if split != "lead" or held < len(facility.partners):
        return None
    s = t.share_versions.c
    shares = {
        (row.version, row.partner): (row.principal_bps, row.interest_bps, row.fee_bps)
        for row in connection.execute(select(t.share_versions).where(s.facility == number))
    }
    low, high = first.toordinal(), last.toordinal()
    c = with_archive(connection, facility=number, first=low, last=high).c
    of_days = (
        c.facility == number,
        c.stated_shares.is_not(None),
        c.lead_business_day.between(low, high),
    )
    # All parts of an event, whatever their day; of a reversal, those of its target.
    refs: set[bytes] = set()
    for kind, ref, target_ref in connection.execute(
        select(c.kind, c.ref, c.target_ref).where(*of_days)
    ):
        refs |= {ref, target_ref} if kind == Kind.REVERSAL else {ref}
    parts: dict[tuple[int, bytes], dict[int, int]] = {}
    parts_bps: dict[tuple[int, bytes], dict[int, int]] = {}
    moved: list[tuple[tuple[int, bytes], int, int]] = []
    """The event, partner and effect of each leg of these days."""
    for row in _of_refs(connection, number, refs):
        kind, target = Kind(row.kind), Kind(row.target_kind) if row.target_kind else None
        event = (int(target or kind), bytes(row.target_ref if target else row.ref))
        if low <= row.lead_business_day <= high:
            moved.append((event, row.partner, effect(kind, target)))
        component = kind.component
        if component is not None:
            parts.setdefault(event, {})[row.partner] = row.lead_amount
            bps = shares[row.stated_shares, row.partner][component]
            parts_bps.setdefault(event, {})[row.partner] = bps
    differences = {
        event: differences_from_shares(parts[event], parts_bps[event]) for event in parts
    }
    found = {one.number: 0 for one in facility.partners}
    for event, partner, sign in moved:
        found[partner] += sign * differences[event].get(partner, 0)
    return found


def _of_refs(connection: Connection, facility: int, refs: set[bytes]) -> Iterator[Row[Any]]:
    """The pairs of these references whose parts the lead stated."""
    source = with_archive(connection, refs=refs)
    c = source.c
    for chunk in chunks(refs, _REFS_AT_A_TIME):
        yield from connection.execute(
            select(source).where(
                c.facility == facility, c.stated_shares.is_not(None), c.ref.in_(chunk)
            )
        )
