"""The breaks that wait for people, page by page: filtered, sorted, with who works on each.

All is read from what is open, by its index, and from duplicate legs: what a page costs does not
grow with the history. A duplicate leg moved no book and has nothing to be resolved; it is listed by
age alone.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    exists,
    false,
    func,
    literal,
    select,
    true,
    tuple_,
)

from app.people.tables import people
from app.prepared_acts.lifecycle import WAITING
from app.prepared_acts.tables import prepared_acts
from app.readmodel.chain import clock
from app.readmodel.directory import directory, of_account
from app.readmodel.disclosures.names import event_name, select_named
from app.readmodel.pairs import tables as t
from app.readmodel.pairs.ageing import ages_of
from app.readmodel.pairs.queries import is_type
from app.readmodel.pairs.resolutions import proposed
from app.readmodel.pairs.rows import Rows
from app.readmodel.pairs.shapes import DUPLICATE_TYPES, Pair
from app.worklist.tables import break_assignments, break_notes

Sort = Literal["newest", "oldest", "difference"]
Standing = Literal["nothing", "prepared", "proposed", "to_answer"]
"""nothing: nobody has proposed anything. prepared: an act of this bank waits for a signature.
proposed: this bank's proposal waits for the other bank. to_answer: the other bank's waits for us.
"""

SORTS: tuple[Sort, ...] = get_args(Sort)
STANDINGS: tuple[Standing, ...] = get_args(Standing)
NOBODY = "nobody"
"""In place of a person's id: breaks that are assigned to nobody."""

MOST_SELECTED = 10_000
"""Most breaks that are counted, or selected at once."""

_AFTER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
_AMOUNT = func.abs(
    func.coalesce(t.pairs.c.lead_amount, 0) - func.coalesce(t.pairs.c.partner_amount, 0)
)
_WAITING = [one.value for one in WAITING]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFilter:
    """Which breaks; None and False mean any. `text`: part of the event_ref. `age`: a bucket of
    `ageing.AGES`, by the chain's clock. `assignee`: a person's id, or `NOBODY`. `numbers`: these
    alone."""

    facility: str | None = None
    partner: str | None = None
    type: str | None = None
    text: str | None = None
    age: str | None = None
    overdue: bool = False
    assignee: str | None = None
    standing: Standing | None = None
    numbers: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class Assignee:
    """Who works on a break."""

    person: str
    name: str


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A break with what stands about it. `prepared`: the number of this bank's act that waits."""

    pair: Pair
    assignee: Assignee | None
    comments: int
    prepared: int | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class WorkPage:
    """`following`: give it as `after` for the next page; None on the last. `total` counts all that
    match, up to MOST_SELECTED + 1."""

    lines: Sequence[WorkLine]
    following: str | None
    total: int


class WorkList:
    """The work list of one bank, the member of this number."""

    def __init__(self, connection: Connection, member: int) -> None:
        self._connection = connection
        self._member = member
        self._names = directory(connection)
        self.now = clock(connection)
        """The chain's clock, in seconds."""

    def page(self, where: WorkFilter, sort: Sort, limit: int, after: str | None = None) -> WorkPage:
        """One page. `after` that is no `following` of a page of this sort begins anew."""
        start = _start(after)
        c = t.pairs.c
        amount = _AMOUNT if sort == "difference" else literal(0)
        keys = tuple_(amount, c.number) if sort == "difference" else c.number
        conditions = self._of_pairs(where)
        if start is not None:
            bound: Any = start if sort == "difference" else start[1]
            conditions.append(keys > bound if sort == "oldest" else keys < bound)
        order = [c.number.asc()] if sort == "oldest" else [c.number.desc()]
        if sort == "difference":
            order.insert(0, amount.desc())
        rows = self._connection.execute(
            select_named(t.pairs)
            .add_columns(amount.label("sorted_by"))
            .where(t.OPEN, *conditions)
            .order_by(*order)
            .limit(limit + 1)
        ).all()
        reader = Rows(self._names, self.now, proposed(self._connection, self._names))
        found = [(row.sorted_by, reader.pair(row)) for row in rows]
        if sort != "difference":
            found += [
                (0, reader.duplicate(row))
                for row in self._duplicates(where, sort, None if start is None else start[1], limit)
            ]
            found.sort(key=lambda one: one[1].number, reverse=sort == "newest")
        more = len(found) > limit
        found = found[:limit]
        following = f"{found[-1][0]}.{found[-1][1].number}" if more else None
        return WorkPage(self._lines([pair for _, pair in found]), following, self.count(where))

    def count(self, where: WorkFilter) -> int:
        """How many match, up to MOST_SELECTED + 1."""
        return len(self.numbers(where, MOST_SELECTED + 1))

    def numbers(self, where: WorkFilter, most: int = MOST_SELECTED) -> list[int]:
        """The numbers of those that match, the newest first."""
        c, r = t.pairs.c, t.rejections.c
        found = list(
            self._connection.execute(
                select(c.number)
                .where(t.OPEN, *self._of_pairs(where))
                .order_by(c.number.desc())
                .limit(most)
            ).scalars()
        )
        duplicates = self._of_duplicates(where)
        if duplicates is not None:
            found += self._connection.execute(
                select(r.number).where(*duplicates).order_by(r.number.desc()).limit(most)
            ).scalars()
        return sorted(found, reverse=True)[:most]

    def line(self, pair: Pair) -> WorkLine:
        """What stands about one break."""
        return self._lines([pair])[0]

    def _of_pairs(self, where: WorkFilter) -> list[ColumnElement[bool]]:
        c = t.pairs.c
        conditions = self._common(where, t.pairs, c.first_posted_at)
        if where.type is not None:
            conditions.append(false() if where.type in DUPLICATE_TYPES else is_type(where.type))
        if where.overdue:
            conditions.append(and_(c.status == "open", c.due_at < self.now))
        if where.standing is not None:
            conditions.append(self._is(where.standing))
        return conditions

    def _is(self, standing: Standing) -> ColumnElement[bool]:
        c, r, a = t.pairs.c, t.resolutions.c, prepared_acts.c
        prepared = exists().where(a.pair == c.number, a.state.in_(_WAITING))
        asked = exists().where(r.pair == c.number, t.PROPOSED)
        by_us = exists().where(r.pair == c.number, t.PROPOSED, r.proposer == self._member)
        match standing:
            case "prepared":
                return prepared
            case "proposed":
                return and_(~prepared, by_us)
            case "to_answer":
                return and_(~prepared, asked, ~by_us)
            case _:
                return and_(~prepared, ~asked)

    def _duplicates(
        self, where: WorkFilter, sort: Sort, start: int | None, limit: int
    ) -> Sequence[Row[Any]]:
        conditions = self._of_duplicates(where)
        if conditions is None:
            return []
        number = t.rejections.c.number
        if start is not None:
            conditions.append(number > start if sort == "oldest" else number < start)
        order = number.asc() if sort == "oldest" else number.desc()
        query = select_named(t.rejections).where(*conditions).order_by(order).limit(limit + 1)
        return self._connection.execute(query).all()

    def _of_duplicates(self, where: WorkFilter) -> list[ColumnElement[bool]] | None:
        """None where the filter leaves them out."""
        c = t.rejections.c
        wrong_type = where.type is not None and where.type not in DUPLICATE_TYPES
        if wrong_type or where.overdue or where.standing is not None:
            return None
        conditions = [c.reason == "duplicate", *self._common(where, t.rejections, c.posted_at)]
        if where.type is not None:
            conditions.append(c.side == where.type.removeprefix("duplicate_at_"))
        return conditions

    def _common(self, where: WorkFilter, table: Any, since: Any) -> list[ColumnElement[bool]]:
        number = table.c.number
        conditions = of_account(self._names, table, where.facility, where.partner)
        if where.text is not None:
            conditions.append(event_name(table).icontains(where.text, autoescape=True))
        if where.age is not None:
            least, most = ages_of(where.age)
            # An age of exactly whole days is in the bucket before.
            conditions.append(since < self.now - least if least else true())
            if most is not None:
                conditions.append(since >= self.now - most)
        assigned = exists().where(break_assignments.c.pair == number)
        if where.assignee == NOBODY:
            conditions.append(~assigned)
        elif where.assignee is not None:
            conditions.append(assigned.where(break_assignments.c.person == where.assignee))
        if where.numbers is not None:
            conditions.append(number.in_(where.numbers))
        return conditions

    def _lines(self, pairs: Sequence[Pair]) -> list[WorkLine]:
        numbers = [one.number for one in pairs]
        assigned, n, a = break_assignments.c, break_notes.c, prepared_acts.c
        assignees = {
            row.pair: Assignee(row.person, row.display_name)
            for row in self._connection.execute(
                select(assigned.pair, assigned.person, people.c.display_name)
                .join(people, people.c.id == assigned.person)
                .where(assigned.pair.in_(numbers))
            )
        }
        comments = {
            row.pair: row.comments
            for row in self._connection.execute(
                select(n.pair, func.count().label("comments"))
                .where(n.pair.in_(numbers), n.what == "comment")
                .group_by(n.pair)
            )
        }
        prepared = {
            row.pair: row.number
            for row in self._connection.execute(
                select(a.pair, a.number).where(a.pair.in_(numbers), a.state.in_(_WAITING))
            )
        }
        own = self._names.members.get(self._member)
        name = own.name if own else ""

        def standing(pair: Pair) -> Standing:
            if pair.number in prepared:
                return "prepared"
            if pair.proposal is None:
                return "nothing"
            return "proposed" if pair.proposal.proposed_by == name else "to_answer"

        return [
            WorkLine(
                one,
                assignees.get(one.number),
                comments.get(one.number, 0),
                prepared.get(one.number),
                standing(one),
            )
            for one in pairs
        ]


def existing(connection: Connection, numbers: Collection[int]) -> list[int]:
    """Those of the numbers under which there is a pair or a duplicate leg."""
    found: list[int] = []
    for table in (t.pairs, t.rejections):
        found += connection.execute(
            select(table.c.number).where(table.c.number.in_(numbers))
        ).scalars()
    return sorted(found)


def _start(after: str | None) -> tuple[int, int] | None:
    if after is None or not _AFTER.fullmatch(after):
        return None
    key, _, number = after.partition(".")
    return (int(key), int(number or 0))
