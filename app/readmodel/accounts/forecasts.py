"""Forecasts of the reserve accounts: from the movements of the read model, by business date."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from app.domain.forecast import WEEKS, Forecast, Projected, forecast
from app.domain.kinds import Kind
from app.readmodel.accounts.balances import Balance, balances
from app.readmodel.accounts.curves import business_day_at, daily
from app.readmodel.directory import Facility, directory
from app.readmodel.facilities.agreed import (
    AgreedFacility,
    agreed_facilities,
    agreed_facility,
)
from app.readmodel.facilities.sight import in_sight

HISTORY_DAYS = 7 * (2 * WEEKS + 2)
"""As far back as a forecast and the errors of those before it reach."""

_BY_TREASURERS = (Kind.TOP_UP, Kind.WITHDRAWAL, Kind.OTHER_IN, Kind.OTHER_OUT)


@dataclass(frozen=True, slots=True)
class AccountForecast:
    """`forecast` is None where the account has moved for too short a time. `runs_out` and `is_low`:
    the first days on which it is projected below zero and below the threshold."""

    account: Balance
    today: date
    """The business date that is running."""
    forecast: Forecast | None

    @property
    def runs_out(self) -> Projected | None:
        return self.forecast.first_below(0) if self.forecast else None

    @property
    def is_low(self) -> Projected | None:
        return self.forecast.first_below(self.account.low_balance) if self.forecast else None

    @property
    def top_up(self) -> int:
        """The suggested top-up, minor units; 0: none."""
        return self.forecast.top_up(self.account.low_balance) if self.forecast else 0


@dataclass(frozen=True, slots=True)
class ProjectedShortfall:
    """An account that is projected below zero. `balance`: on `day`; `top_up`: what is suggested
    now. Minor units."""

    facility: str
    partner: str
    currency: str
    decimals: int
    day: date
    balance: int
    top_up: int


def account_forecasts(
    connection: Connection, now: datetime, facility: str | None = None, partner: str | None = None
) -> list[AccountForecast]:
    """The forecasts of this view's accounts, from what the lead's book moved on the business dates
    that are over. Top-ups and withdrawals are treasurers' own doing: they are not projected."""
    facilities = directory(connection).facilities
    if facility is None:
        known = agreed_facilities(connection, in_sight())
    else:
        found = agreed_facility(connection, facility)
        known = [found] if found else []
    agreed = {one.terms.id: one for one in known}
    return [
        _of_account(
            connection, one, agreed[one.facility], facilities[agreed[one.facility].number], now
        )
        for one in balances(connection, facility, partner)
        if one.facility in agreed
    ]


def projected_shortfalls(connection: Connection, now: datetime) -> list[ProjectedShortfall]:
    """The accounts that are projected below zero within the next days and are not there yet."""
    found = []
    for one in account_forecasts(connection, now):
        runs_out = one.runs_out
        if runs_out is None or one.account.shortfall:
            continue
        account = one.account
        found.append(
            ProjectedShortfall(
                account.facility,
                account.partner,
                account.currency,
                account.decimals,
                runs_out.day,
                runs_out.balance,
                one.top_up,
            )
        )
    return found


def _of_account(
    connection: Connection,
    account: Balance,
    agreed: AgreedFacility,
    facility: Facility,
    now: datetime,
) -> AccountForecast:
    today = business_day_at(agreed.terms.calendar, now).date
    partner = next(one.number for one in facility.partners if one.name == account.partner)
    moved = daily(connection, facility, partner, today - timedelta(days=HISTORY_DAYS))
    lent = {
        day: sum(one.lead_book for kind, one in of_day.items() if kind not in _BY_TREASURERS)
        for day, of_day in (moved.days if moved else {}).items()
        if day < today
    }
    first = min(lent, default=today)
    history = tuple(
        lent.get(first + timedelta(days=number), 0) for number in range((today - first).days)
    )
    return AccountForecast(account, today, forecast(today, account.available, history))
