"""The forecast pages: every account's projected balance, and one account's with its band."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from app.domain.forecast import Forecast
from app.locale import _
from app.readmodel.accounts.curves import closing_balances, daily
from app.readmodel.accounts.forecasts import AccountForecast, account_forecasts
from app.readmodel.directory import directory
from app.web.charts import Chart, Line, noon

_DAYS_BEFORE = 21


@dataclass(frozen=True, slots=True)
class AccountForecastPage:
    found: AccountForecast
    chart: Chart | None


def forecast_lines(connection: Connection, now: datetime) -> list[AccountForecast]:
    """All accounts of this view: those that run out, then those that fall below their threshold,
    the first to do so first, then the others."""
    found = account_forecasts(connection, now)
    found.sort(key=lambda one: [day.day if day else date.max for day in (one.runs_out, one.is_low)])
    return found


def account_forecast_page(
    connection: Connection, facility: str, partner: str, now: datetime
) -> AccountForecastPage | None:
    """One account's; None where this view does not hold it."""
    found = next(iter(account_forecasts(connection, now, facility, partner)), None)
    if found is None:
        return None
    made = found.forecast
    return AccountForecastPage(found, None if made is None else _chart(connection, found, made))


def _chart(connection: Connection, one: AccountForecast, made: Forecast) -> Chart:
    """The balance of the last weeks, and the projected one with its band."""
    account = one.account
    facility = directory(connection).facility(account.facility)
    assert facility is not None  # there is an account of it
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
