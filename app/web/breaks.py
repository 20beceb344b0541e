"""The list of breaks as the page shows it, page by page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy import Connection

from app.readmodel.accounts.balances import Balance
from app.readmodel.directory import Directory, directory
from app.readmodel.pairs import queries
from app.readmodel.pairs.shapes import BREAK_TYPES, Half, Pair
from app.web.text import days, iso, money, seconds_since, signed_money

PAGE_ROWS = 50

TYPE_LABELS = {
    "amount": "Amount",
    "date": "Date",
    "amount_and_date": "Amount and date",
    "missing_at_partner": "Missing at partner",
    "missing_at_lead": "Missing at lead",
    "duplicate_at_lead": "Duplicate at lead",
    "duplicate_at_partner": "Duplicate at partner",
}


@dataclass(frozen=True, slots=True)
class BreakFilters:
    """The filter of the list as it stands in the address; None and False mean any."""

    facility: str | None = None
    partner: str | None = None
    type: str | None = None
    text: str | None = None
    overdue: bool = False

    def query(self, before: int | None = None) -> str:
        """What asks for this filter, and the page that starts below the line `before`."""
        given = {
            "facility": self.facility,
            "partner": self.partner,
            "type": self.type,
            "text": self.text,
            "overdue": "true" if self.overdue else None,
            "before": before,
        }
        query = urlencode({name: value for name, value in given.items() if value is not None})
        return f"?{query}" if query else ""

    def for_query(self) -> queries.Filter:
        return queries.Filter(
            facility=self.facility,
            partner=self.partner,
            types=(self.type,) if self.type else (),
            text=self.text,
            overdue=True if self.overdue else None,
        )


@dataclass(frozen=True, slots=True)
class BreakRow:
    number: int
    type: str
    type_label: str
    facility: str
    partner: str
    kind: str
    ref: str
    ref_known: bool
    ref_title: str
    lead_amount: str
    lead_value_date: str
    partner_amount: str
    partner_value_date: str
    differences: Sequence[str]
    """Of the amounts and of the value dates, signed; only those that there are."""
    first_posted_at: str
    age_seconds: int
    overdue: bool


@dataclass(frozen=True, slots=True)
class BreakList:
    headline: str
    rows: Sequence[BreakRow]
    many_facilities: bool
    empty: str
    filters: BreakFilters
    before: int | None
    following: int | None

    @property
    def query(self) -> str:
        """What asks for this very page again."""
        return self.filters.query(self.before)

    @property
    def first_query(self) -> str | None:
        """What asks for the first page; None on it."""
        return None if self.before is None else self.filters.query()

    @property
    def next_query(self) -> str | None:
        return None if self.following is None else self.filters.query(self.following)


def break_list(
    connection: Connection,
    filters: BreakFilters,
    before: int | None,
    now: datetime,
    accounts: Sequence[Balance],
) -> BreakList:
    """One page of breaks, newest first; `before` as in `queries.breaks`. `accounts`: all of this
    node's view."""
    names = directory(connection)
    page = queries.breaks(connection, filters.for_query(), PAGE_ROWS, before)
    filtered = filters != BreakFilters()
    return BreakList(
        headline=_count_line(accounts, filters, len(page.items)),
        rows=[break_row(names, pair, now) for pair in page.items],
        many_facilities=len(names.facilities) > 1,
        empty=(
            "No break fits this filter."
            if filtered
            else "No breaks: every leg on the chain has its equal other half."
        ),
        filters=filters,
        before=before,
        following=page.following,
    )


def _count_line(accounts: Sequence[Balance], filters: BreakFilters, shown: int) -> str:
    if filters.text:
        return f"{shown:,} shown"
    total = 0
    for account in accounts:
        if filters.facility not in (None, account.facility):
            continue
        if filters.partner not in (None, account.partner):
            continue
        types = (filters.type,) if filters.type else BREAK_TYPES
        if not filters.overdue:
            total += sum(account.open_counts.get(name, 0) for name in types)
        elif filters.type is None:
            total += account.overdue
        else:
            return f"{shown:,} shown"
    return f"{total:,} {'break' if total == 1 else 'breaks'}"


def break_row(
    names: Directory, pair: Pair, now: datetime, labels: Mapping[str, str] = TYPE_LABELS
) -> BreakRow:
    """`labels` names the types that the pair may have."""
    facility = names.facility(pair.facility)
    decimals = facility.decimals if facility else 0
    kind = pair.kind.replace("_", " ")
    if pair.target is not None:
        kind = f"{kind} of {pair.target}"

    def amount(half: Half | None) -> str:
        return money(half.amount, decimals) if half else ""

    def value_date(half: Half | None) -> str:
        return half.value_date.isoformat() if half else ""

    return BreakRow(
        number=pair.number,
        type=pair.type,
        type_label=labels[pair.type],
        facility=pair.facility,
        partner=pair.partner,
        kind=kind,
        ref=pair.event_ref if pair.event_ref is not None else f"#{pair.reference[:12]}…",
        ref_known=pair.event_ref is not None,
        ref_title=(
            f"On the chain: {pair.reference}"
            if pair.event_ref is not None
            else f"Known here only by its keyed hash {pair.reference}"
        ),
        lead_amount=amount(pair.lead),
        lead_value_date=value_date(pair.lead),
        partner_amount=amount(pair.partner_half),
        partner_value_date=value_date(pair.partner_half),
        differences=list(_differences(pair, decimals)),
        first_posted_at=iso(pair.first_posted_at),
        age_seconds=seconds_since(pair.first_posted_at, now),
        overdue=pair.overdue,
    )


def _differences(pair: Pair, decimals: int) -> Iterable[str]:
    if pair.lead is None or pair.partner_half is None:
        return
    if pair.difference:
        yield signed_money(pair.difference, decimals)
    apart = (pair.partner_half.value_date - pair.lead.value_date).days
    if apart:
        yield f"{'+' if apart > 0 else '−'}{days(abs(apart))}"
