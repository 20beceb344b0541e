"""Pairs, matches, breaks, legs and rejections, newest first, page by page.

One count numbers pairs and rejected legs in chain order, so that a page's cursor is one integer
that stays good while new lines arrive.

What is open, within tolerance, resolved or known by its reference is found by an index. All else is
looked for among the newest lines first, `LINES_A_PAGE` for a page: what a page costs does not grow
with the history. A page may so hold fewer lines than asked for, even none, while others follow.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    and_,
    false,
    func,
    or_,
    select,
    true,
)

from app.domain.chunks import chunks
from app.domain.kinds import Kind
from app.domain.matching.pairs import PAIR_TYPES
from app.domain.numbers import LARGEST
from app.readmodel.archive.source import archived, last_number
from app.readmodel.chain import clock
from app.readmodel.directory import Directory, directory, of_account
from app.readmodel.disclosures.names import event_name, select_named
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
)

LINES_A_PAGE = 20_000
"""How many lines a page reads at most that no index finds."""

_MOST_POSTINGS = 100
"""As many of a block are looked for."""
_OPEN_TYPES = set(BREAK_TYPES) - set(DUPLICATE_TYPES)


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
    references: Collection[bytes] | None = None
    """Those that an event_ref has on the chain, one for each facility's reference key."""
    text: str | None = None
    """Part of the event_ref, upper and lower case alike."""
    amounts: Mapping[int, int] | None = None
    """By the number of a facility, an amount that either half has, in its minor units."""
    postings: Sequence[tuple[int, int, int]] | None = None
    """Facility, member and sequence of each posting in which either half came."""
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
    view = _View.open(connection, where, before, by_index=bool(_indexed(where)))
    found = [view.rows.pair(row) for row in _pair_rows(view, limit + 1)]
    found += [view.rows.duplicate(row) for row in _duplicate_rows(view, limit + 1)]
    return _page(view, found, limit)


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
    view = _View.open(connection, where, before, by_index=bool(_indexed(where)))
    lines: list[tuple[int, list[Leg]]] = [
        (row.number, view.rows.legs_of_pair(row)) for row in _pair_rows(view, limit + 1)
    ]
    lines += [(row.number, [view.rows.rejection(row)]) for row in _rejection_rows(view, limit + 1)]
    lines.sort(key=lambda line: -line[0])
    items = [leg for _, both in lines[:limit] for leg in both]
    following = view.following([number for number, _ in lines], limit)
    return Page(_with_transactions(view, items), following)


def legs_of(connection: Connection, number: int) -> list[Leg]:
    """The halves of a pair, or the rejected leg, of this number; none where this view has none."""
    newest = legs(connection, limit=1, before=number + 1).items
    return [leg for leg in newest if leg.number == number]


def postings_in(
    connection: Connection, *, transaction: bytes | None = None, block: int | None = None
) -> list[tuple[int, int, int]]:
    """Facility, member and sequence of the postings of a transaction, or of a block."""
    c = t.postings.c
    query = select(c.facility, c.member, c.sequence)
    if transaction is not None:
        query = query.where(c.tx_hash == transaction)
    if block is not None:
        query = query.where(c.block_number == block)
    return [(row[0], row[1], row[2]) for row in connection.execute(query.limit(_MOST_POSTINGS))]


def rejections(
    connection: Connection, where: Filter = EVERYTHING, limit: int = 100, before: int | None = None
) -> Page[Leg]:
    """Legs that the contract rejected, for whatever reason."""
    view = _View.open(connection, where, before, by_index=True)
    rows = _rejection_rows(view, limit + 1)
    return _page(view, [view.rows.rejection(row) for row in rows], limit)


@dataclass(frozen=True, slots=True)
class _View:
    """What a page is read by: names, the chain's clock, the filter, and between which numbers.

    `since` 0: everything before `before`, as an index finds it.
    """

    connection: Connection
    names: Directory
    now: int
    where: Filter
    rows: Rows
    before: int
    since: int

    @classmethod
    def open(
        cls, connection: Connection, where: Filter, before: int | None, *, by_index: bool
    ) -> "_View":
        now = clock(connection)
        names = directory(connection)
        # A number's next one may be more than the database can be asked for, and no line has that.
        before = 1 + last_number(connection) if before is None else min(before, LARGEST)
        return cls(
            connection,
            names,
            now,
            where,
            Rows(names, now, proposed(connection, names)),
            before,
            0 if by_index else max(0, before - LINES_A_PAGE),
        )

    def following(self, numbers: Sequence[int], limit: int) -> int | None:
        """Where the next page begins, after these lines, newest first; None: there is no other."""
        if len(numbers) > limit:
            return numbers[limit - 1]
        return self.since if self.since > 1 else None


def _asked(where: Filter) -> set[str]:
    """The types of pairs of a filter, duplicate legs apart."""
    return set(where.types or PAIR_TYPES) - set(DUPLICATE_TYPES)


def _indexed(where: Filter) -> list[ColumnElement[bool]]:
    """The conditions of the indexes that together hold all pairs of a filter; empty where only the
    table itself does."""
    asked = _asked(where)
    if where.references is not None or not asked:
        return [true()]
    if where.overdue:
        return [t.OPEN]
    if where.resolved:
        return [t.RESOLVED]
    if "matched" in asked:
        return []
    parts: list[ColumnElement[bool]] = []
    if asked & _OPEN_TYPES:
        parts.append(t.OPEN)
    if "within_tolerance" in asked:
        parts.append(t.WITHIN_TOLERANCE)
    if where.resolved is None:
        parts.append(t.RESOLVED)
    return parts or [false()]


def _pair_rows(view: _View, limit: int) -> Sequence[Row[Any]]:
    """Rows of pairs, newest first."""
    where = view.where
    asked = _asked(where)
    if not asked:
        return []
    conditions = _of_pairs(view, t.pairs)
    if len(asked) < len(PAIR_TYPES) - len(DUPLICATE_TYPES):
        conditions.append(or_(*(is_type(name) for name in sorted(asked))))
    c = t.pairs.c
    late = and_(t.OPEN, c.status == "open", c.due_at < view.now)
    if where.overdue is not None:
        conditions.append(late if where.overdue else ~late)
    if where.resolved is not None:
        conditions.append(c.action.is_not(None) if where.resolved else c.action.is_(None))
    rows: list[Row[Any]] = []
    if "matched" in asked and not where.overdue and not where.resolved:
        # Before the table: from now on no pair moves from it into an archive.
        rows += _archived_rows(view, limit)
    for part in _indexed(where) or [true()]:
        rows += view.connection.execute(
            select_named(t.pairs).where(part, *conditions).order_by(c.number.desc()).limit(limit)
        )
    return sorted(rows, key=lambda row: -row.number)[:limit]


def _archived_rows(view: _View, limit: int) -> Sequence[Row[Any]]:
    """Of the pairs in archives, which are all matched and not resolved."""
    refs = view.where.references
    found = archived(view.connection, since=view.since, before=view.before, refs=refs)
    if found is None:
        return []
    return view.connection.execute(
        select_named(found)
        .where(*_of_pairs(view, found))
        .order_by(found.c.number.desc())
        .limit(limit)
    ).all()


def _of_pairs(view: _View, table: FromClause) -> list[ColumnElement[bool]]:
    """The conditions on pairs, in the table or an archive, but for their status."""
    where, c = view.where, table.c
    conditions = _common(view, table)
    for low, high, days in (
        (where.value_from, where.value_to, (c.lead_value_day, c.partner_value_day)),
        (
            where.business_from,
            where.business_to,
            (func.coalesce(c.lead_business_day, c.partner_business_day),),
        ),
    ):
        if low is not None or high is not None:
            conditions.append(or_(*(_between(day, low, high) for day in days)))
    return conditions


def is_type(name: str) -> ColumnElement[bool]:
    """What makes a row of `pairs` one of this type."""
    c = t.pairs.c
    if name in ONE_SIDED_TYPES:
        absent = c.partner_amount if name == "missing_at_partner" else c.lead_amount
        return and_(c.status == "open", absent.is_(None))
    return c.status == name


def _rejection_rows(view: _View, limit: int) -> Sequence[Row[Any]]:
    c = t.rejections.c
    conditions = _common(view, t.rejections)
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
        select_named(t.rejections).where(*conditions).order_by(c.number.desc()).limit(limit)
    ).all()


def _duplicate_rows(view: _View, limit: int) -> Sequence[Row[Any]]:
    asked = [name for name in view.where.types or PAIR_TYPES if name in DUPLICATE_TYPES]
    if not asked:
        return []
    return _rejection_rows(replace(view, where=replace(view.where, types=asked)), limit)


def _common(view: _View, table: Any) -> list[ColumnElement[bool]]:
    where, c = view.where, table.c
    conditions = of_account(view.names, table, where.facility, where.partner)
    conditions.append(c.number < view.before)
    if view.since:
        conditions.append(c.number >= view.since)
    if where.kind is not None:
        numbers = [int(kind) for kind in Kind if kind.feed_name == where.kind]
        conditions.append(c.kind.in_(numbers))
    if where.references is not None:
        conditions.append(c.ref.in_(where.references))
    if where.amounts is not None:
        conditions.append(or_(false(), *_of_amounts(table, where.amounts)))
    if where.postings is not None:
        conditions.append(or_(false(), *_of_postings(view, table, where.postings)))
    if where.text is not None:
        conditions.append(event_name(table).icontains(where.text, autoescape=True))
    return conditions


def _of_amounts(table: Any, amounts: Mapping[int, int]) -> Iterator[ColumnElement[bool]]:
    c = table.c
    halves = (c.amount,) if table is t.rejections else (c.lead_amount, c.partner_amount)
    for facility, amount in amounts.items():
        yield and_(c.facility == facility, or_(*(half == amount for half in halves)))


def _of_postings(
    view: _View, table: Any, postings: Sequence[tuple[int, int, int]]
) -> Iterator[ColumnElement[bool]]:
    c = table.c
    for facility, member, sequence in postings:
        terms = view.names.facilities.get(facility)
        if table is t.rejections:
            yield and_(c.facility == facility, c.member == member, c.sequence == sequence)
        elif terms is not None and terms.lead_member == member:
            yield and_(c.facility == facility, c.lead_sequence == sequence)
        elif terms is not None:
            for place, partner in enumerate(terms.partners, start=1):
                if partner.member == member:
                    yield and_(
                        c.facility == facility, c.partner == place, c.partner_sequence == sequence
                    )


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


def _page(view: _View, items: list[Any], limit: int) -> Page[Any]:
    items.sort(key=lambda item: -item.number)
    return Page(items[:limit], view.following([item.number for item in items], limit))


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
        for chunk in chunks(sorted(sequences), 500):
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
