"""Breaks: each as a line, and by type and age. Also the report of break ageing."""

from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import FromClause, and_, case, func, select

from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel import tables as t
from app.readmodel.accounts.sums import type_of_pair
from app.readmodel.archive.source import with_archive
from app.readmodel.directory import Partner
from app.readmodel.pairs.ageing import AGES, DAY_S, age_of
from app.readmodel.pairs.as_of import pairs_as_of
from app.readmodel.pairs.period import pairs_of_period
from app.readmodel.pairs.shapes import BREAK_TYPES, DUPLICATE_TYPES, Half, Pair
from app.reports.model import NOT_OPENED, Column, Report, Row, Section, Type
from app.reports.source import Source

_BY_AGE = (
    Column("partner"),
    Column("type", words=True),
    *(Column(name, Type.COUNT, total=True) for name, _ in AGES),
    Column("overdue", Type.COUNT, total=True),
)
_BREAKS = (
    Column("partner"),
    Column("type", words=True),
    Column("kind", words=True),
    Column("event_ref", wide=True),
    Column("reference", wide=True),
    Column("target", wide=True),
    Column("lead_amount", Type.MONEY),
    Column("partner_amount", Type.MONEY),
    Column("break_difference", Type.MONEY),
    Column("lead_value_date", Type.DATE),
    Column("partner_value_date", Type.DATE),
    Column("lead_business_date", Type.DATE),
    Column("partner_business_date", Type.DATE),
    Column("first_posted_at", Type.INSTANT),
    Column("due_at", Type.INSTANT),
    Column("is_overdue", words=True),
    Column("age", words=True),
    Column("resolution", words=True),
)


def break_ageing(source: Source) -> Report:
    """The breaks that stand as of the block, by type and age, and each of them."""
    return source.report(
        name="break-ageing",
        title="Break ageing",
        sections=(by_age(source), breaks(source, resolved=False)),
        signed=False,
    )


def by_age(source: Source) -> Section:
    """Unresolved breaks of the period by type and age."""
    return Section(
        "breaks_by_age",
        "Unresolved breaks whose business date is in the period, by time since the first half came",
        _BY_AGE,
        partial(_by_age, source),
    )


def breaks(source: Source, resolved: bool = True) -> Section:
    """Every break of the period, duplicate legs included; `resolved` ones too, or not."""
    return Section(
        "breaks",
        "Every break whose business date (the lead's, or else the partner's) is in the period"
        + ("; `resolution` says how it was resolved" if resolved else ", unless resolved"),
        _BREAKS,
        partial(_breaks, source, resolved),
    )


def _by_age(source: Source) -> Iterator[Row]:
    request = source.request
    low, high = request.first.toordinal(), request.last.toordinal()
    table: FromClause = t.pairs
    if source.until is not None:
        number = source.facility.number
        table = with_archive(source.connection, facility=number, first=low, last=high)
    pairs = pairs_as_of(table, source.until)
    c = pairs.c
    now = source.clock
    days = [(c.first_posted_at >= now - last * DAY_S, name) for name, last in AGES if last]
    day = func.coalesce(c.lead_business_day, c.partner_business_day)
    rows = (
        select(
            c.partner,
            type_of_pair(pairs),
            case(*days, else_=AGES[-1][0]).label("age"),
            case((and_(c.status == "open", c.due_at < now), 1), else_=0).label("late"),
        )
        .where(
            c.facility == source.facility.number,
            c.status.not_in(("matched", "within_tolerance")),
            c.action.is_(None),
            day.between(low, high),
        )
        .subquery()
    )
    keys = (rows.c.partner, rows.c.type, rows.c.age)
    found: dict[tuple[int, str], dict[str, int]] = {}
    for row in source.connection.execute(
        select(*keys, func.count().label("pairs"), func.sum(rows.c.late).label("late")).group_by(
            *keys
        )
    ):
        counts = found.setdefault((row.partner, row.type), {})
        counts[row.age] = row.pairs
        counts["overdue"] = counts.get("overdue", 0) + int(row.late)
    _add_duplicates(source, found)
    for partner in source.partners:
        for type_ in PAIR_TYPES:
            counts = found.get((partner.number, type_), {})
            if counts:
                yield (
                    partner.name,
                    type_,
                    *(counts.get(name, 0) for name, _ in AGES),
                    counts.get("overdue", 0),
                )


def _add_duplicates(source: Source, found: dict[tuple[int, str], dict[str, int]]) -> None:
    """Count duplicate legs, which have no deadline."""
    for partner in source.partners:
        for pair in _pairs(source, partner, DUPLICATE_TYPES):
            counts = found.setdefault((partner.number, pair.type), {})
            age = age_of(source.clock - int(pair.first_posted_at.timestamp()))
            counts[age] = counts.get(age, 0) + 1


def _breaks(source: Source, resolved: bool) -> Iterator[Row]:
    for partner in source.partners:
        for pair in _pairs(source, partner, BREAK_TYPES):
            if resolved or pair.action is None:
                yield _line(source, pair)


def _pairs(source: Source, partner: Partner, types: Sequence[str]) -> Iterator[Pair]:
    return pairs_of_period(
        source.connection,
        source.names,
        source.facility.number,
        partner.number,
        types,
        source.request.first,
        source.request.last,
        clock=source.clock,
        until=source.until,
    )


def _line(source: Source, pair: Pair) -> Row:
    lead, partner = pair.lead, pair.partner_half
    return (
        pair.partner,
        pair.type,
        pair.kind,
        pair.event_ref or NOT_OPENED,
        pair.reference,
        pair.target,
        _amount(lead),
        _amount(partner),
        pair.difference,
        lead.value_date if lead else None,
        partner.value_date if partner else None,
        lead.business_date if lead else None,
        partner.business_date if partner else None,
        pair.first_posted_at,
        pair.due_at,
        "yes" if pair.overdue else "no",
        age_of(source.clock - int(pair.first_posted_at.timestamp())),
        pair.action,
    )


def _amount(half: Half | None) -> int | None:
    return None if half is None else half.amount
