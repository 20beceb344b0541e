"""Pairs, matches, breaks, legs and rejections, newest first, page by page.

One count numbers pairs and rejected legs in chain order, so that a page's cursor is one integer
that stays good while new lines arrive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, or_, select

from app.domain.kinds import Kind
from app.domain.matching.pairs import PAIR_TYPES
from app.readmodel.chain import clock
from app.readmodel.directory import Directory, directory, of_account
from app.readmodel.pairs import tables as t
from app.readmodel.pairs.resolutions import proposed
from app.readmodel.pairs.rows import Rows
from app.readmodel.pairs.shapes import (
    BREAK_TYPES,
    DUPLICATE_TYPES,
    MATCHED_TYPES,
    ONE_SIDED_TYPES,
    Leg,
    Page,
    Pair,
    Rejection,
)

_STREAM_ROWS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines; None and empty mean any. Names that nobody has select nothing.

    `types` are of `PAIR_TYPES`. The value dates hold when either half's lies between them; the
    business date of a pair is the lead half's, or else the partner half's. All bounds are included.
    """

    facility: str | None = None
    partner: str | None = None
    types: Sequence[str] = ()
    kind: str | None = None
    event_ref: str | None = None
    text: str | None = None
    """Part of the event_ref, upper and lower case alike."""
    value_from: date | None = None
    value_to: date | None = None
    business_from: date | None = None
    business_to: date | None = None
    overdue: bool | None = None
    """True: one-sided pairs past their deadline by the cursor's block; False: all others."""
    resolved: bool | None = None
    """True: pairs that the two banks have resolved; False: all others."""


EVERYTHING = Filter()


def pairs(
    connection: Connection, where: Filter = EVERYTHING, limit: int = 100, before: int | None = None
) -> Page[Pair]:
    """Pairs and duplicate legs of any type in `where.types`, newest first."""
    view = _View.open(connection, where)
    found = [view.rows.pair(row) for row in _pair_rows(view, limit + 1, before)]
    found += [view.rows.duplicate(row) for row in _duplicate_rows(view, limit + 1, before)]
    found.sort(key=lambda pair: -pair.number)
    return _page(found, limit)


def matches(
    connection: Connection, where: Filter = EVERYTHING, limit: int = 100, before: int | None = None
) -> Page[Pair]:
    """Pairs that are matched or within tolerance."""
    return pairs(connection, _narrowed(where, MATCHED_TYPES), limit, before)


def breaks(
    connection: Connection, where: Filter = EVERYTHING, limit: int = 100, before: int | None = None
) -> Page[Pair]:
    """All else: unequal pairs, one-sided pairs and duplicate legs; those that are resolved only
    where they are asked for."""
    if where.resolved is None:
        where = replace(where, resolved=False)
    return pairs(connection, _narrowed(where, BREAK_TYPES), limit, before)


def stream_pairs(connection: Connection, where: Filter = EVERYTHING) -> Iterator[Pair]:
    """All of `pairs`, one after the other, in bounded memory."""
    before: int | None = None
    while True:
        page = pairs(connection, where, _STREAM_ROWS, before)
        yield from page.items
        if page.following is None:
            return
        before = page.following


def pair(connection: Connection, number: int) -> Pair | None:
    """One pair, or one duplicate leg, by its number."""
    page = pairs(connection, EVERYTHING, 1, number + 1)
    return next((one for one in page.items if one.number == number), None)


def legs(
    connection: Connection, where: Filter = EVERYTHING, limit: int = 100, before: int | None = None
) -> Page[Leg]:
    """Every posted leg, rejected ones too: of the `limit` newest lines, both halves of each.

    `where.types` narrows by the type of the pair that the leg belongs to.
    """
    view = _View.open(connection, where)
    lines: list[tuple[int, list[Leg]]] = [
        (row.number, view.rows.legs_of_pair(row)) for row in _pair_rows(view, limit + 1, before)
    ]
    lines += [
        (row.number, [view.rows.rejected_leg(row)])
        for row in _rejection_rows(view, limit + 1, before)
    ]
    lines.sort(key=lambda line: -line[0])
    following = lines[limit - 1][0] if len(lines) > limit else None
    items = [leg for _, both in lines[:limit] for leg in both]
    return Page(_with_transactions(view, items), following)


def rejections(
    connection: Connection, where: Filter = EVERYTHING, limit: int = 100, before: int | None = None
) -> Page[Rejection]:
    """Legs that the contract rejected, for whatever reason."""
    view = _View.open(connection, where)
    rows = _rejection_rows(view, limit + 1, before)
    return _page([view.rows.rejection(row) for row in rows], limit)


@dataclass(frozen=True, slots=True)
class _View:
    """What a query reads by: names, the chain's clock, and the filter."""

    connection: Connection
    names: Directory
    now: int
    where: Filter
    rows: Rows

    @classmethod
    def open(cls, connection: Connection, where: Filter) -> "_View":
        now = clock(connection)
        names = directory(connection)
        return cls(connection, names, now, where, Rows(names, now, proposed(connection, names)))


def _pair_rows(view: _View, limit: int, before: int | None) -> Sequence[Row[Any]]:
    c = t.pairs.c
    types = view.where.types or PAIR_TYPES
    asked = [name for name in types if name not in DUPLICATE_TYPES]
    if not asked:
        return []
    conditions = _common(view, t.pairs, before)
    if len(asked) < len(PAIR_TYPES) - len(DUPLICATE_TYPES):
        conditions.append(or_(*(_is_type(name) for name in asked)))
        if "matched" not in asked:
            conditions.append(t.UNMATCHED)
    late = and_(t.UNMATCHED, c.status == "open", c.due_at < view.now, c.action.is_(None))
    if view.where.overdue is not None:
        conditions.append(late if view.where.overdue else or_(c.status != "open", ~late))
    if view.where.resolved is not None:
        conditions.append(c.action.is_not(None) if view.where.resolved else c.action.is_(None))
    for low, high, days in (
        (view.where.value_from, view.where.value_to, (c.lead_value_day, c.partner_value_day)),
        (
            view.where.business_from,
            view.where.business_to,
            (func.coalesce(c.lead_business_day, c.partner_business_day),),
        ),
    ):
        if low is not None or high is not None:
            conditions.append(or_(*(_between(day, low, high) for day in days)))
    return view.connection.execute(
        select(t.pairs).where(*conditions).order_by(c.number.desc()).limit(limit)
    ).all()


def _is_type(name: str) -> ColumnElement[bool]:
    c = t.pairs.c
    if name in ONE_SIDED_TYPES:
        absent = c.partner_amount if name == "missing_at_partner" else c.lead_amount
        return and_(c.status == "open", absent.is_(None))
    return c.status == name


def _rejection_rows(view: _View, limit: int, before: int | None) -> Sequence[Row[Any]]:
    c = t.rejections.c
    conditions = _common(view, t.rejections, before)
    if view.where.types:
        sides = [name.removeprefix("duplicate_at_") for name in view.where.types]
        conditions += [c.reason == "duplicate", c.side.in_(sides)]
    if view.where.overdue or view.where.resolved:
        conditions.append(false())
    for low, high, day in (
        (view.where.value_from, view.where.value_to, c.value_day),
        (view.where.business_from, view.where.business_to, c.business_day),
    ):
        if low is not None or high is not None:
            conditions.append(_between(day, low, high))
    return view.connection.execute(
        select(t.rejections).where(*conditions).order_by(c.number.desc()).limit(limit)
    ).all()


def _duplicate_rows(view: _View, limit: int, before: int | None) -> Sequence[Row[Any]]:
    asked = [name for name in view.where.types or PAIR_TYPES if name in DUPLICATE_TYPES]
    if not asked:
        return []
    return _rejection_rows(replace(view, where=replace(view.where, types=asked)), limit, before)


def _common(view: _View, table: Any, before: int | None) -> list[ColumnElement[bool]]:
    where, c = view.where, table.c
    conditions = of_account(view.names, table, where.facility, where.partner)
    if before is not None:
        conditions.append(c.number < before)
    if where.kind is not None:
        numbers = [int(kind) for kind in Kind if kind.feed_name == where.kind]
        conditions.append(c.kind.in_(numbers))
    if where.event_ref is not None:
        conditions.append(c.event_ref == where.event_ref)
    if where.text is not None:
        conditions.append(c.event_ref.icontains(where.text, autoescape=True))
    return conditions


def _between(day: Any, low: date | None, high: date | None) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = []
    if low is not None:
        bounds.append(day >= low.toordinal())
    if high is not None:
        bounds.append(day <= high.toordinal())
    return and_(*bounds)


def _narrowed(where: Filter, types: Sequence[str]) -> Filter:
    """The filter with at most `types`; types that are none of them select nothing."""
    kept = [name for name in where.types or types if name in types]
    return replace(where, types=kept or ("none",))


def _page(items: list[Any], limit: int) -> Page[Any]:
    return Page(items[:limit], items[limit - 1].number if len(items) > limit else None)


def _with_transactions(view: _View, items: list[Leg]) -> list[Leg]:
    """Fill in the transaction that carried each leg."""
    numbers = {one.id: one.number for one in view.names.facilities.values()}
    banks = {one.name: one.number for one in view.names.members.values()}
    wanted: dict[tuple[int, int], set[int]] = {}
    for leg in items:
        wanted.setdefault((numbers[leg.facility], banks[leg.bank]), set()).add(leg.half.sequence)
    c = t.postings.c
    found: dict[tuple[int, int, int], tuple[str, int]] = {}
    for (facility, member), sequences in wanted.items():
        remaining = iter(sorted(sequences))
        while chunk := list(islice(remaining, 500)):
            for row in view.connection.execute(
                select(t.postings).where(
                    c.facility == facility, c.member == member, c.sequence.in_(chunk)
                )
            ):
                found[facility, member, row.sequence] = (
                    "0x" + row.tx_hash.hex(),
                    row.block_number,
                )
    filled: list[Leg] = []
    for leg in items:
        transaction, block = found[numbers[leg.facility], banks[leg.bank], leg.half.sequence]
        filled.append(replace(leg, transaction=transaction, block_number=block))
    return filled
