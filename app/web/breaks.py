"""The list of breaks as a place to work: filtered, sorted and searched in its address."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection

from app.locale import N_, _, ngettext
from app.people.person import Person
from app.readmodel.directory import Directory, directory
from app.readmodel.pairs.ageing import age_of
from app.readmodel.pairs.shapes import Half, Pair
from app.web.text import days, money, seconds_since, signed_money, whole
from app.worklist.lines import (
    MOST_SELECTED,
    NOBODY,
    SORTS,
    STANDINGS,
    Assignee,
    Sort,
    Standing,
    WorkFilter,
    WorkLine,
    WorkList,
)
from app.worklist.notes import workers
from app.worklist.views import SavedView, views_of

PAGE_ROWS = 50
_LONGEST = 64
"""Characters of what is searched for, or of a name."""

TYPE_LABELS = {
    "amount": N_("Amount"),
    "date": N_("Date"),
    "amount_and_date": N_("Amount and date"),
    "missing_at_partner": N_("Missing at partner"),
    "missing_at_lead": N_("Missing at lead"),
    "duplicate_at_lead": N_("Duplicate at lead"),
    "duplicate_at_partner": N_("Duplicate at partner"),
}


SORT_LABELS: dict[Sort, str] = {
    "newest": N_("Newest first"),
    "oldest": N_("Oldest first"),
    "difference": N_("Largest difference first"),
}
STANDING_LABELS: dict[Standing, str] = {
    "nothing": N_("Nothing proposed"),
    "prepared": N_("Waits for a signature here"),
    "proposed": N_("Waits for the other bank"),
    "to_answer": N_("Waits for our answer"),
}
AGE_LABELS = {
    "up_to_1_day": N_("Up to 1 day"),
    "up_to_3_days": N_("Up to 3 days"),
    "up_to_7_days": N_("Up to 7 days"),
    "up_to_30_days": N_("Up to 30 days"),
    "over_30_days": N_("Over 30 days"),
}
ME = "me"
"""In an address, in place of the id of the person who looks."""


@dataclass(frozen=True, slots=True)
class BreakFilters:
    """The filter of the list as it stands in the address; None and False mean any."""

    facility: str | None = None
    partner: str | None = None
    type: str | None = None
    text: str | None = None
    age: str | None = None
    overdue: bool = False
    assignee: str | None = None
    state: Standing | None = None
    sort: Sort = "newest"

    @classmethod
    def from_fields(cls, given: Mapping[str, str]) -> "BreakFilters":
        """As an address or a form has it; what there is not means any."""

        def short(name: str) -> str | None:
            return given.get(name, "")[:_LONGEST] or None

        def known(name: str, among: Iterable[str]) -> Any:
            return given[name] if given.get(name) in set(among) else None

        return cls(
            facility=short("facility"),
            partner=short("partner"),
            type=known("type", TYPE_LABELS),
            text=short("text"),
            age=known("age", AGE_LABELS),
            overdue=given.get("overdue") == "true",
            assignee=short("assignee"),
            state=known("state", STANDINGS),
            sort=known("sort", SORTS) or "newest",
        )

    @classmethod
    def from_query(cls, query: str) -> "BreakFilters":
        """As `query` has it."""
        return cls.from_fields(dict(parse_qsl(query.removeprefix("?"))))

    def fields(self) -> dict[str, str]:
        """What an address or a form says of it."""
        given = {
            "facility": self.facility,
            "partner": self.partner,
            "type": self.type,
            "text": self.text,
            "age": self.age,
            "overdue": "true" if self.overdue else None,
            "assignee": self.assignee,
            "state": self.state,
            "sort": None if self.sort == "newest" else self.sort,
        }
        return {name: value for name, value in given.items() if value is not None}

    def query(self, after: str | None = None) -> str:
        """What asks for this filter, and the page that follows `after`."""
        query = urlencode(self.fields() | ({} if after is None else {"after": after}))
        return f"?{query}" if query else ""

    def for_query(self, person: Person | None) -> WorkFilter:
        """As the work list takes it; `person` looks."""
        me = person.id if person else NOBODY
        return WorkFilter(
            facility=self.facility,
            partner=self.partner,
            type=self.type,
            text=self.text,
            age=self.age,
            overdue=self.overdue,
            assignee=me if self.assignee == ME else self.assignee,
            standing=self.state,
        )


@dataclass(frozen=True, slots=True)
class BreakRow:
    """A pair as it stands in a table. An amount is empty where that half has not come."""

    pair: Pair
    type_label: str
    ref_title: str
    lead_amount: str
    partner_amount: str
    differences: Sequence[str]
    """Of the amounts and of the value dates, signed; only those that there are."""
    age_seconds: int


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A break as it stands in the list. `age`: its bucket by the chain's clock."""

    row: BreakRow
    assignee: Assignee | None
    comments: int
    prepared: int | None
    standing: str
    tone: str
    age: str


@dataclass(frozen=True, slots=True)
class BreakList:
    """`total` counts all that match; `many`: there are more than can be selected at once."""

    headline: str
    rows: Sequence[WorkRow]
    many_facilities: bool
    empty: str
    filters: BreakFilters
    after: str | None
    following: str | None
    total: int
    many: bool
    assignees: Sequence[Assignee]
    views: Sequence[SavedView]

    @property
    def query(self) -> str:
        """What asks for this very page again."""
        return self.filters.query(self.after)

    @property
    def first_query(self) -> str | None:
        """What asks for the first page; None on it."""
        return None if self.after is None else self.filters.query()

    @property
    def next_query(self) -> str | None:
        return None if self.following is None else self.filters.query(self.following)


def break_list(
    connection: Connection,
    member: int,
    person: Person | None,
    filters: BreakFilters,
    after: str | None,
    now: datetime,
) -> BreakList:
    """One page of breaks; `after` as `WorkList.page` has it."""
    names = directory(connection)
    work = WorkList(connection, member)
    page = work.page(filters.for_query(person), filters.sort, PAGE_ROWS, after)
    is_filtered = replace(filters, sort="newest") != BreakFilters()
    many = page.total > MOST_SELECTED
    return BreakList(
        headline=_("more than %(count)s breaks", count=whole(MOST_SELECTED))
        if many
        else ngettext("%(num)s break", "%(num)s breaks", page.total),
        rows=[_work_row(names, line, work.now, now) for line in page.lines],
        many_facilities=len(names.facilities) > 1,
        empty=(
            _("No break fits this filter.")
            if is_filtered
            else _("No breaks: every leg that this bank sees has its equal other half.")
        ),
        filters=filters,
        after=after,
        following=page.following,
        total=page.total,
        many=many,
        assignees=workers(connection),
        views=[] if person is None else views_of(connection, person),
    )


def _work_row(names: Directory, line: WorkLine, clock: int, now: datetime) -> WorkRow:
    pair = line.pair
    return WorkRow(
        row=break_row(names, pair, now),
        assignee=line.assignee,
        comments=line.comments,
        prepared=line.prepared,
        standing="" if line.standing == "nothing" else _(STANDING_LABELS[line.standing]),
        tone="warn" if line.standing == "to_answer" else "pending",
        age=_(AGE_LABELS[age_of(max(0, clock - int(pair.first_posted_at.timestamp())))]),
    )


def break_row(
    names: Directory, pair: Pair, now: datetime, labels: Mapping[str, str] = TYPE_LABELS
) -> BreakRow:
    """`labels` names the types that the pair may have."""
    facility = names.facility(pair.facility)
    decimals = facility.decimals if facility else 0

    def amount(half: Half | None) -> str:
        return money(half.amount, decimals) if half else ""

    return BreakRow(
        pair=pair,
        type_label=_(labels[pair.type]),
        ref_title=(
            _("On the chain: %(hash)s", hash=pair.reference)
            if pair.event_ref is not None
            else _("Known here only by its keyed hash %(hash)s", hash=pair.reference)
        ),
        lead_amount=amount(pair.lead),
        partner_amount=amount(pair.partner_half),
        differences=list(_differences(pair, decimals)),
        age_seconds=seconds_since(pair.first_posted_at, now),
    )


def _differences(pair: Pair, decimals: int) -> Iterable[str]:
    if pair.lead is None or pair.partner_half is None:
        return
    if pair.difference:
        yield signed_money(pair.difference, decimals)
    apart = (pair.partner_half.value_date - pair.lead.value_date).days
    if apart:
        yield f"{'+' if apart > 0 else '−'}{days(abs(apart))}"
