"""Which one-sided legs of the two sides may be the same event (`domain.suggestions`).

Candidates are found through indexes of the legs that wait, by account, amount and value date; never
among all pairs. What is compared is what this node may read anyway: the references that open for
the facility's readers, and the loans of the bank's own legs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from app.domain.kinds import Kind
from app.domain.suggestions import (
    AMOUNT_APART_BPS,
    DAYS_APART,
    FULL,
    LEAST_SCORE,
    OneSidedLeg,
    Score,
    score,
)
from app.readmodel.chain import clock, cursor
from app.readmodel.directory import Directory, directory
from app.readmodel.disclosures.names import select_named
from app.readmodel.pairs import tables as t
from app.readmodel.pairs.queries import Filter, pairs
from app.readmodel.pairs.resolutions import proposed
from app.readmodel.pairs.rows import Rows
from app.readmodel.pairs.shapes import ONE_SIDED_TYPES, Page, Pair

_MOST_CANDIDATES = 200
"""Of equal and of near amounts each, the nearest first."""

_MOST_SHOWN = 5
"""Suggestions of one leg."""


class LegPlace(NamedTuple):
    """Where a leg of this bank stands: its facility's id, its posting, the word in that."""

    facility: str
    sequence: int
    word: int


LoanRefs = Callable[[Sequence[LegPlace]], Mapping[LegPlace, str]]
"""Gives the loans of this bank's own legs, as far as they are known here."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A leg of the lead and one of the partner that may be the same event, and why."""

    lead: Pair
    partner: Pair
    score: Score


def suggestions(
    connection: Connection,
    loan_refs: LoanRefs,
    facility: str | None = None,
    partner: str | None = None,
    limit: int = 100,
    before: int | None = None,
) -> Page[Suggestion]:
    """The suggestions for the `limit` newest one-sided legs of the lead, each leg's best first."""
    where = Filter(
        facility=facility, partner=partner, types=("missing_at_partner",), resolved=False
    )
    page = pairs(connection, where, limit, before)
    search = _Search.open(connection, loan_refs)
    return Page(search.of(page.items), page.following)


def suggestions_for(connection: Connection, loan_refs: LoanRefs, one: Pair) -> list[Suggestion]:
    """The suggestions for one break, best first; none where it is not one-sided and open."""
    if one.type not in ONE_SIDED_TYPES or one.action is not None:
        return []
    return _Search.open(connection, loan_refs).of([one])


@dataclass(frozen=True, slots=True)
class _Search:
    connection: Connection
    names: Directory
    rows: Rows
    member: int
    loan_refs: LoanRefs

    @classmethod
    def open(cls, connection: Connection, loan_refs: LoanRefs) -> "_Search":
        names = directory(connection)
        member = connection.execute(select(cursor.c.member)).scalar_one_or_none() or 0
        rows = Rows(names, clock(connection), proposed(connection, names))
        return cls(connection, names, rows, member, loan_refs)

    def of(self, wanted: Sequence[Pair]) -> list[Suggestion]:
        """Those of one-sided legs, in their order, each leg's best first."""
        numbers = [one.number for one in wanted]
        rows = {
            row.number: row
            for row in self.connection.execute(
                select_named(t.pairs).where(t.pairs.c.number.in_(numbers))
            )
        }
        return [
            found
            for one in wanted
            if one.number in rows
            for found in self._of(one, rows[one.number])
        ]

    def _of(self, one: Pair, own: Row[Any]) -> list[Suggestion]:
        by_lead = own.partner_amount is None
        candidates = self._candidates(own, by_lead=by_lead)
        legs = self._legs([own, *candidates]) if candidates else {}
        mine = legs.get(own.number)
        if mine is None:
            return []
        found = []
        for row in candidates:
            other = legs[row.number]
            if other is None:
                continue
            judged = score(mine, other) if by_lead else score(other, mine)
            if judged is None or judged.points < LEAST_SCORE:
                continue
            pair = self.rows.pair(row)
            lead, partner = (one, pair) if by_lead else (pair, one)
            found.append(Suggestion(lead, partner, judged))
        found.sort(key=lambda made: (-made.score.points, made.lead.number, made.partner.number))
        return found[:_MOST_SHOWN]

    def _candidates(self, own: Row[Any], *, by_lead: bool) -> list[Row[Any]]:
        """The open legs of the other side of the same account, with a near amount and date."""
        if by_lead:
            amount, day, other = own.lead_amount, own.lead_value_day, "partner"
        else:
            amount, day, other = own.partner_amount, own.partner_value_day, "lead"
        apart = amount * AMOUNT_APART_BPS // FULL
        asked = {
            "of_facility": own.facility,
            "of_partner": own.partner,
            "amount": amount,
            "apart": apart,
            "day": day,
        }
        return list(self.connection.execute(_waiting_legs(other), asked))

    def _legs(self, rows: Sequence[Row[Any]]) -> dict[int, OneSidedLeg | None]:
        """By number; None for one whose reference does not open here."""
        places: dict[int, LegPlace] = {}
        legs: dict[int, OneSidedLeg | None] = {}
        for row in rows:
            side = "lead" if row.partner_amount is None else "partner"
            held = row._mapping
            if self._holder(row.facility, row.partner, side) == self.member:
                places[row.number] = LegPlace(
                    self.names.facility_id(row.facility),
                    held[f"{side}_sequence"],
                    held[f"{side}_index"],
                )
            legs[row.number] = (
                None
                if row.event_ref is None
                else OneSidedLeg(
                    Kind(row.kind),
                    Kind(row.target_kind) if row.target_kind else None,
                    row.event_ref,
                    held[f"{side}_amount"],
                    held[f"{side}_value_day"],
                )
            )
        loans = self.loan_refs(list(places.values())) if places else {}
        for number, place in places.items():
            leg = legs[number]
            if leg is not None and place in loans:
                legs[number] = replace(leg, loan_ref=loans[place])
        return legs

    def _holder(self, facility: int, partner: int, side: str) -> int:
        """The member whose leg it is; 0 where that is unknown."""
        terms = self.names.facilities.get(facility)
        if terms is None:
            return 0
        if side == "lead":
            return terms.lead_member
        return next((one.member for one in terms.partners if one.number == partner), 0)


@cache
def _waiting_legs(side: str) -> CompoundSelect[Any]:
    """The open legs of a side near an amount and a day: of equal, smaller and larger amounts each
    the nearest. Made once, as making it takes longer than the database does; it asks for
    `of_facility`, `of_partner`, `amount`, `apart` and `day`."""
    c = t.pairs.c
    its_amount, its_day = c[f"{side}_amount"], c[f"{side}_value_day"]
    amount = bindparam("amount", type_=BigInteger())
    apart = bindparam("apart", type_=BigInteger())
    day = bindparam("day", type_=Integer())
    absent = c.lead_amount if side == "partner" else c.partner_amount
    near = (
        its_amount == amount,
        its_amount.between(amount - apart, amount - 1),
        its_amount.between(amount + 1, amount + apart),
    )
    return union_all(
        *(
            select(
                select_named(t.pairs)
                .where(
                    c.facility == bindparam("of_facility"),
                    c.partner == bindparam("of_partner"),
                    # Written out, as in the partial indexes.
                    c.status == literal_column("'open'"),
                    absent.is_(None),
                    c.action.is_(None),
                    condition,
                    its_day.between(day - DAYS_APART, day + DAYS_APART),
                )
                .order_by(func.abs(its_amount - amount), func.abs(its_day - day), c.number)
                .limit(_MOST_CANDIDATES)
                .subquery()
            )
            for condition in near
        )
    )
