"""The forecast pages: every account's projected balance, and one account's with its band."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from app.domain.forecast import Forecast, Projected
from app.locale import _
from app.readmodel.accounts.balances import Balance
from app.readmodel.accounts.curves import closing_balances, daily
from app.readmodel.accounts.forecasts import AccountForecast, account_forecasts
from app.readmodel.directory import directory
from app.web.charts import Chart, Line, noon
from app.web.text import money, weekday

_DAYS_BEFORE = 21


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """An account's forecast in the list; `tone`: empty, warn or bad. Days are empty where it is
    projected to stay above."""

    facility: str
    partner: str
    currency: str
    available: str
    threshold: str
    lowest: str
    low_on: str
    out_on: str
    worst_out_on: str
    top_up: str
    tone: str
    known: bool
    """Whether it has moved for long enough."""


@dataclass(frozen=True, slots=True)
class ForecastDay:
    day: str
    weekday: str
    balance: str
    low: str
    high: str
    tone: str


@dataclass(frozen=True, slots=True)
class QualityLine:
    days_ahead: int
    made: int
    error: str
    naive: str
    better_percent: int
    """How much smaller the mean error is than the naive forecast's; below 0: larger."""


@dataclass(frozen=True, slots=True)
class AccountForecastPage:
    line: ForecastLine
    chart: Chart | None
    days: Sequence[ForecastDay]
    quality: Sequence[QualityLine]


def forecast_lines(connection: Connection, now: datetime) -> list[ForecastLine]:
    """All accounts of this view: those that run out, then those that fall below their threshold,
    the first to do so first, then the others."""
    found = account_forecasts(connection, now)
    found.sort(key=lambda one: [day.day if day else date.max for day in (one.runs_out, one.is_low)])
    return [_line(one) for one in found]


def account_forecast_page(
    connection: Connection, facility: str, partner: str, now: datetime
) -> AccountForecastPage | None:
    """One account's; None where this view does not hold it."""
    found = next(iter(account_forecasts(connection, now, facility, partner)), None)
    if found is None:
        return None
    made = found.forecast
    decimals = found.account.decimals
    return AccountForecastPage(
        line=_line(found),
        chart=None if made is None else _chart(connection, found, made),
        days=[] if made is None else [_day(one, found.account) for one in made.days],
        quality=[]
        if made is None
        else [
            QualityLine(
                one.days_ahead,
                one.made,
                money(one.mean_error, decimals),
                money(one.naive_error, decimals),
                100 - 100 * one.mean_error // one.naive_error if one.naive_error else 0,
            )
            for one in made.quality
        ],
    )


def _line(one: AccountForecast) -> ForecastLine:
    account, made = one.account, one.forecast
    worst = made.first_below(0, at_worst=True) if made else None
    return ForecastLine(
        facility=account.facility,
        partner=account.partner,
        currency=account.currency,
        available=money(account.available, account.decimals),
        threshold=money(account.low_balance, account.decimals),
        lowest=money(min(day.balance for day in made.days), account.decimals) if made else "",
        low_on=_on(one.is_low),
        out_on=_on(one.runs_out),
        worst_out_on=_on(worst),
        top_up=money(one.top_up, account.decimals) if one.top_up else "",
        tone="bad" if one.runs_out else "warn" if one.is_low else "",
        known=made is not None,
    )


def _on(day: Projected | None) -> str:
    return "" if day is None else day.day.isoformat()


def _day(one: Projected, account: Balance) -> ForecastDay:
    return ForecastDay(
        day=one.day.isoformat(),
        weekday=weekday(one.day),
        balance=money(one.balance, account.decimals),
        low="" if one.low is None else money(one.low, account.decimals),
        high="" if one.high is None else money(one.high, account.decimals),
        tone="bad" if one.balance < 0 else "warn" if one.balance < account.low_balance else "",
    )


def _chart(connection: Connection, one: AccountForecast, made: Forecast) -> Chart:
    """The balance of the last weeks, and the projected one with its band."""
    account = one.account
    facility = next(
        known
        for known in directory(connection).facilities.values()
        if known.id == account.facility and any(p.name == account.partner for p in known.partners)
    )
    number = next(p.number for p in facility.partners if p.name == account.partner)
    first = one.today - timedelta(days=_DAYS_BEFORE)
    moved = daily(connection, facility, number, first)
    assert moved is not None  # there is a forecast of it
    before = [first + timedelta(days=day) for day in range(_DAYS_BEFORE)]
    past = [min(books) for books in closing_balances(moved, before).values()]
    unknown: list[int | None] = [None] * len(past)
    days = [*before, one.today, *(day.day for day in made.days)]
    rest: list[int | None] = [None] * len(made.days)

    def after(values: Sequence[int | None]) -> list[int | None]:
        return [*unknown, made.available, *values]

    return Chart(
        times=[noon(day) for day in days],
        said=[f"{day}" for day in days],
        time_zone="UTC",
        by_day=True,
        decimals=account.decimals,
        lines=[
            Line(_("Balance"), [*past, made.available, *rest]),
            Line(_("Projected"), after([day.balance for day in made.days]), "--calm"),
            Line(_("High"), after([day.high for day in made.days]), hidden=True),
            Line(_("Low"), after([day.low for day in made.days]), hidden=True),
            Line(_("Threshold"), [account.low_balance] * len(days), "--warn", dashed=True),
        ],
        band=(3, 4),
    )
