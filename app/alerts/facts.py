"""The facts about this bank's accounts and feeds, from its database. No history is read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import Connection, and_, case, func, or_, select

from app.alerts.judge import AccountFacts, ChainFacts
from app.intake.tables import feeds
from app.readmodel.accounts.balances import balances
from app.readmodel.accounts.forecasts import ProjectedShortfall
from app.readmodel.accounts.tables import day_totals
from app.readmodel.chain import position
from app.readmodel.facilities.agreed import AgreedFacility, agreed_facilities, facilities_of
from app.readmodel.facilities.sight import in_force
from app.readmodel.pairs.tables import OPEN, pairs
from app.readmodel.values import to_time


def chain_facts(
    connection: Connection, projected: Sequence[ProjectedShortfall]
) -> ChainFacts | None:
    """What the read model says of the accounts of facilities in force; None before the first
    block. The forecast changes by the day: it comes with an age of its own."""
    read = position(connection)
    if read is None:
        return None
    facilities = {one.terms.id: one for one in agreed_facilities(connection, in_force())}
    breaks = _breaks(connection, read.block_time)
    forecasts = {(one.facility, one.partner): one for one in projected}
    found = []
    for one in balances(connection):
        facility = facilities.get(one.facility)
        partner = facility.terms.partner(one.partner) if facility else None
        if facility is None or partner is None:
            continue
        since, largest = breaks.get((facility.number, partner.number), (None, 0))
        unclosed = _unclosed(
            connection, facility, partner.number, one.closed_through, read.block_time
        )
        forecast = forecasts.get((one.facility, one.partner))
        found.append(
            AccountFacts(
                facility=one.facility,
                partner=one.partner,
                currency=one.currency,
                decimals=one.decimals,
                balance=one.balance,
                low_balance=one.low_balance,
                proof=one.proof,
                overdue=one.overdue,
                overdue_since=since,
                largest_break=largest,
                unclosed_day=unclosed,
                unclosed_since=None
                if unclosed is None
                else to_time(facility.terms.calendar.cut_off_instant(unclosed.toordinal())),
                runs_out=forecast.day if forecast else None,
                top_up=forecast.top_up if forecast else 0,
            )
        )
    return ChainFacts(read.block_time, found)


def last_feeds(connection: Connection, bank: str) -> Mapping[str, datetime]:
    """When each facility in force of which the bank sends events last received a feed; without
    those that never did."""
    found = {}
    for one in facilities_of(connection, bank, in_force()):
        if one.active:
            received = connection.execute(
                # One feed a day takes the events that are pushed one by one.
                select(func.coalesce(feeds.c.finished_at, feeds.c.received_at))
                .where(feeds.c.facility == one.terms.id)
                .order_by(feeds.c.id.desc())
                .limit(1)
            ).scalar_one_or_none()
            if received is not None:
                found[one.terms.id] = datetime.fromisoformat(received).astimezone(UTC)
    return found


def _breaks(
    connection: Connection, clock: datetime
) -> Mapping[tuple[int, int], tuple[datetime | None, int]]:
    """By facility and partner: since when the oldest overdue leg is overdue, and the largest
    difference among the breaks: unequal halves, or a leg that is overdue."""
    c = pairs.c
    late = and_(c.status == "open", c.due_at < int(clock.timestamp()))
    difference = case(
        (c.status != "open", func.abs(c.lead_amount - c.partner_amount)),
        else_=func.coalesce(c.lead_amount, c.partner_amount),
    )
    rows = connection.execute(
        select(
            c.facility,
            c.partner,
            func.min(case((late, c.due_at))).label("due_at"),
            func.max(difference).label("difference"),
        )
        .where(OPEN, or_(c.status != "open", late))
        .group_by(c.facility, c.partner)
    )
    return {
        (row.facility, row.partner): (
            None if row.due_at is None else to_time(row.due_at),
            row.difference or 0,
        )
        for row in rows
    }


def _unclosed(
    connection: Connection,
    facility: AgreedFacility,
    partner: int,
    closed_through: date | None,
    now: datetime,
) -> date | None:
    """The first business date with movements that has ended and is not closed."""
    c = day_totals.c
    first = connection.execute(
        select(func.min(c.day)).where(
            c.facility == facility.number,
            c.partner == partner,
            c.day > (closed_through.toordinal() if closed_through else 0),
            c.day < facility.terms.business_day(now),
        )
    ).scalar_one()
    return None if first is None else date.fromordinal(first)
