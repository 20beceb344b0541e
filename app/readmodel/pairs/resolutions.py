"""Resolutions of breaks, newest first, page by page; and those that wait."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from app.domain.resolutions import Action, Side
from app.domain.resolutions import Resolution as Asked
from app.readmodel.directory import Directory, directory, of_account
from app.readmodel.disclosures.names import event_name, target_event_name
from app.readmodel.pairs import tables as t
from app.readmodel.pairs.shapes import Page, Resolution
from app.readmodel.values import kind_name, optional_time, target_name, to_date, to_time


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionFilter:
    """Which resolutions; None and empty mean any. Names that nobody has select nothing."""

    facility: str | None = None
    partner: str | None = None
    statuses: tuple[str, ...] = ()
    pair: int | None = None


_STREAM_ROWS = 2_000

_ANY = ResolutionFilter()


def resolutions(
    connection: Connection,
    where: ResolutionFilter = _ANY,
    limit: int = 100,
    before: int | None = None,
) -> Page[Resolution]:
    """Resolutions, newest first."""
    c = t.resolutions.c
    names = directory(connection)
    conditions = _conditions(names, where)
    if before is not None:
        conditions.append(c.number < before)
    rows = connection.execute(
        with_names().where(*conditions).order_by(c.number.desc()).limit(limit + 1)
    ).all()
    items = [_resolution(names, row) for row in rows[:limit]]
    return Page(items, items[-1].number if len(rows) > limit else None)


def resolutions_of_period(
    connection: Connection,
    names: Directory,
    facility: int,
    partner: int,
    first: date,
    last: date,
    until: int | None,
) -> Iterator[Resolution]:
    """An account's resolutions whose business date lies between the dates, in the order of the
    chain; as they stood at the block time `until` (None: as they are)."""
    c = t.resolutions.c
    replaced_at = func.lead(c.proposed_at).over(partition_by=c.pair, order_by=c.number)
    found = (
        with_names()
        .add_columns(replaced_at.label("replaced_at"))
        .where(c.facility == facility, c.partner == partner)
        .subquery()
    )
    query = (
        select(found)
        .where(found.c.business_day.between(first.toordinal(), last.toordinal()))
        .order_by(found.c.number)
    )
    if until is not None:
        query = query.where(found.c.proposed_at <= until)
    for row in connection.execute(query, execution_options={"yield_per": _STREAM_ROWS}):
        one = _resolution(names, row)
        yield one if until is None else _as_of(one, row, until)


def _as_of(one: Resolution, row: Row[Any], until: int) -> Resolution:
    """A resolution without what became of it after a block time."""
    if one.status == "replaced":
        return one if row.replaced_at <= until else replace(one, status="proposed")
    if row.decided_at is None or row.decided_at <= until:
        return one
    return replace(
        one,
        status="proposed",
        decided_by=None,
        decided_at=None,
        decided_in=None,
        dispute_reason=None,
        lead_moved=None,
        partner_moved=None,
        agreed=None,
        accepted_difference=None,
    )


def proposed(connection: Connection, names: Directory) -> dict[int, Resolution]:
    """The proposals that wait for the other bank, by the number of their pair."""
    rows = connection.execute(with_names().where(t.PROPOSED))
    return {row.pair: _resolution(names, row) for row in rows}


def asked(connection: Connection, number: int) -> Asked:
    """A resolution word for word, as the other bank accepts it."""
    row = connection.execute(select(t.resolutions).where(t.resolutions.c.number == number)).one()
    return Asked(
        facility=row.facility,
        partner=row.partner,
        kind=row.kind,
        ref=bytes(row.ref),
        target_kind=row.target_kind,
        target_ref=bytes(row.target_ref),
        action=Action(row.action),
        side=None if row.side is None else Side(row.side),
        business_day=row.business_day,
        state=bytes(row.state),
        reason_hash=bytes(row.reason_hash),
    )


def with_names() -> Any:
    """Resolutions with the names of what they are of, as far as a grant or a key opens them."""
    return select(
        t.resolutions,
        event_name(t.pairs).label("event_ref"),
        target_event_name(t.pairs).label("target_event_ref"),
    ).join(t.pairs, t.pairs.c.number == t.resolutions.c.pair)


def _conditions(names: Directory, where: ResolutionFilter) -> list[ColumnElement[bool]]:
    c = t.resolutions.c
    conditions = of_account(names, t.resolutions, where.facility, where.partner)
    if where.statuses:
        conditions.append(c.status.in_(where.statuses))
    if where.pair is not None:
        conditions.append(c.pair == where.pair)
    return conditions


def _resolution(names: Directory, row: Row[Any]) -> Resolution:
    return Resolution(
        number=row.number,
        facility=names.facility_id(row.facility),
        partner=names.partner_name(row.facility, row.partner),
        pair=row.pair,
        kind=kind_name(row.kind),
        event_ref=row.event_ref,
        reference=row.ref.hex(),
        target=target_name(row.target_kind, row.target_ref, row.target_event_ref),
        action=row.action,
        side=row.side,
        business_date=to_date(row.business_day),
        reason=row.reason,
        proposed_by=names.members[row.proposer].name,
        proposed_at=to_time(row.proposed_at),
        proposed_in="0x" + row.proposed_tx.hex(),
        status=row.status,
        decided_by=names.optional_name(row.decided_by),
        decided_at=optional_time(row.decided_at),
        decided_in=None if row.decided_tx is None else "0x" + row.decided_tx.hex(),
        dispute_reason=row.dispute_reason,
        lead_moved=row.lead_moved,
        partner_moved=row.partner_moved,
        agreed=row.agreed,
        accepted_difference=row.accepted_difference,
    )
