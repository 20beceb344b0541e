"""One reserve account: what moved it, what is held of it, its closed days and its alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from app.domain.facility import Facility
from app.domain.kinds import Kind
from app.locale import N_, _, label
from app.readmodel.accounts.alerts import Alert, alerts
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.accounts.curves import (
    Flows,
    business_day_at,
    closing_balances,
    daily,
    flows,
)
from app.readmodel.accounts.holds import Hold, holds
from app.readmodel.accounts.movements import BookMovements, movements
from app.readmodel.directory import Facility as KnownFacility
from app.readmodel.directory import Partner, directory
from app.readmodel.facilities.agreed import known_facility
from app.readmodel.pairs import queries
from app.web.breaks import BreakRow, break_row
from app.web.charts import Chart, Line, noon
from app.web.days_page import DayRow, day_rows
from app.web.facilities_page import terms_in_words
from app.web.legs_page import Search
from app.web.reserves import AccountRow, account_row
from app.web.text import money, signed_money
from app.web.today import AccountDay, account_days

_DAYS = 30
_LINES = 20

_ALERT_LABELS = {
    "low": N_("Below its threshold"),
    "restored": N_("At its threshold again"),
    "shortfall": N_("Below zero"),
    "shortfall_ended": N_("At zero again"),
}


@dataclass(frozen=True, slots=True)
class DayFlow:
    """What a business date agreed, by what a treasurer asks for: text and the query of its legs."""

    text: str
    query: str


@dataclass(frozen=True, slots=True)
class DayLine:
    """A business date in which something moved. `closing`: the smaller book at its end."""

    day: date
    flows: Sequence[DayFlow]
    """Lent, repaid, interest, other in, other out."""
    closing: str
    query: str


@dataclass(frozen=True, slots=True)
class BooksLine:
    """The opening or closing of the three books, or what a kind moved in them; `query`: of its
    legs."""

    label: str
    lead: str
    partner: str
    agreed: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """`first` and `last`: the business dates of the movements, both included."""

    facility: KnownFacility
    partner: str
    row: AccountRow
    first: date
    last: date
    today: Chart | None
    month: Chart
    day_lines: Sequence[DayLine]
    """The newest first."""
    opening: BooksLine
    movements: Sequence[BooksLine]
    closing: BooksLine
    holds: Sequence[Hold]
    alerts: Sequence[tuple[str, str, Alert]]
    """What it was, its tone, and the alert."""
    days: Sequence[DayRow]
    open_breaks: Sequence[BreakRow]
    open_legs_query: str
    terms: Sequence[str]


def account_page(
    connection: Connection, facility_id: str, partner_name: str, now: datetime
) -> AccountPage | None:
    """The account of a partner in a facility; None where this view holds none."""
    facility = directory(connection).facility(facility_id)
    balance = next(iter(balances(connection, facility_id, partner_name)), None)
    if facility is None or balance is None:
        return None
    partner = next(one for one in facility.partners if one.name == partner_name)
    return _page(connection, facility, partner, balance, now)


def _page(
    connection: Connection,
    facility: KnownFacility,
    partner: Partner,
    balance: Balance,
    now: datetime,
) -> AccountPage:
    decimals = facility.decimals
    agreed = known_facility(connection, facility.id)
    today = account_days(connection, agreed, now, partner.number).get(partner.name)
    last = business_day_at(agreed.terms.calendar, now).date
    first = last - timedelta(days=_DAYS - 1)
    names = directory(connection)
    by_day = daily(connection, facility, partner.number, first)
    assert by_day is not None  # there is a balance
    closings = closing_balances(by_day, [first + timedelta(days=one) for one in range(_DAYS)])
    of_account = Search(facility=facility.id, partner=partner.name)
    (moved,) = movements(connection, facility, first, last, partner.number)
    books = (moved.lead_book, moved.partner_book, moved.agreed)
    kinds = [
        kind.feed_name for kind in Kind if any(kind.feed_name in book.movements for book in books)
    ]

    def of_kind(book: BookMovements, kind: str) -> str:
        return signed_money(book.movements[kind], decimals) if kind in book.movements else ""

    return AccountPage(
        facility=facility,
        partner=partner.name,
        row=account_row(facility, balance, today),
        first=first,
        last=last,
        today=None if today is None else _today_chart(today, agreed.terms, partner.low_balance),
        month=_month_chart(closings, agreed.terms, partner.low_balance),
        day_lines=[
            _day_line(of_account, day, flows(by_day.days[day]), min(closings[day]), decimals)
            for day in reversed(list(closings))
            if day in by_day.days
        ],
        opening=BooksLine(_("Opening"), *(money(book.opening, decimals) for book in books)),
        movements=[
            BooksLine(
                label(kind),
                of_kind(moved.lead_book, kind),
                of_kind(moved.partner_book, kind),
                of_kind(moved.agreed, kind),
                replace(of_account, event=kind, first=first, last=last).query(),
            )
            for kind in kinds
        ],
        closing=BooksLine(_("Closing"), *(money(book.closing, decimals) for book in books)),
        holds=holds(connection, facility.id, partner.name, "active", _LINES),
        alerts=[
            (_(_ALERT_LABELS[one.what]), {"shortfall": "bad", "low": "warn"}.get(one.what, ""), one)
            for one in alerts(connection, facility.id, partner.name, _LINES)
        ],
        days=day_rows(connection, facility.id, partner.name, limit=_LINES),
        open_breaks=[
            break_row(names, one, now)
            for one in queries.breaks(
                connection, queries.Filter(facility=facility.id, partner=partner.name), _LINES
            ).items
        ],
        open_legs_query=replace(of_account, state="open").query(),
        terms=terms_in_words(agreed.terms),
    )


def _day_line(of_account: Search, day: date, moved: Flows, closing: int, decimals: int) -> DayLine:
    of_day = replace(of_account, first=day, last=day)
    figures = (
        (moved.lent, "drawdown"),
        (moved.repaid, "principal"),
        (moved.interest, "interest"),
        (moved.other_in, ""),
        (moved.other_out, ""),
    )
    return DayLine(
        day,
        [
            DayFlow(
                signed_money(amount, decimals) if amount else "",
                replace(of_day, event=event).query(),
            )
            for amount, event in figures
        ],
        money(closing, decimals),
        of_day.query(),
    )


def _today_chart(today: AccountDay, terms: Facility, threshold: int) -> Chart:
    """The smaller book since the last cut-off."""
    points = [*today.curve, today.curve[-1]._replace(at=max(today.now, today.curve[-1].at))]
    balances = [point.balance for point in points]
    first, last, lowest, highest = (
        money(one, terms.decimals)
        for one in (balances[0], balances[-1], min(balances), max(balances))
    )
    return Chart(
        times=[point.at for point in points],
        said=[f"{datetime.fromtimestamp(point.at, terms.zone):%H:%M}" for point in points],
        time_zone=str(terms.zone),
        decimals=terms.decimals,
        lines=[
            Line(_("Balance"), balances, steps=True),
            Line(_("Threshold"), [threshold] * len(points), "--warn", dashed=True),
        ],
        until=today.day.ends,
        text=_(
            "From %(first)s at the last cut-off to %(last)s now; lowest %(lowest)s, highest "
            "%(highest)s.",
            first=first,
            last=last,
            lowest=lowest,
            highest=highest,
        ),
    )


def _month_chart(
    closings: Mapping[date, tuple[int, int]], terms: Facility, threshold: int
) -> Chart:
    """Both books at the end of each business date."""
    days = list(closings)
    return Chart(
        times=[noon(day) for day in days],
        said=[f"{day}" for day in days],
        time_zone="UTC",
        by_day=True,
        decimals=terms.decimals,
        lines=[
            Line(_("Lead book"), [lead for lead, _ in closings.values()], "--accent"),
            Line(_("Partner book"), [partner for _, partner in closings.values()], "--calm"),
            Line(_("Threshold"), [threshold] * len(days), "--warn", dashed=True),
        ],
    )
