"""The business date that is running: what it moved of an account so far, and its curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.locale import _
from app.readmodel.accounts.balances import Balance
from app.readmodel.accounts.curves import (
    BooksAt,
    BusinessDay,
    Flows,
    business_day_at,
    flows,
    intraday,
    moved_on,
)
from app.readmodel.facilities.agreed import AgreedFacility
from app.web.sparkline import Sparkline
from app.web.text import money, signed_money


@dataclass(frozen=True, slots=True)
class DayFigure:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class AccountDay:
    """What is shown of an account's business date that is running."""

    flows: Flows
    day: BusinessDay
    curve: Sequence[BooksAt]
    now: int


def account_days(
    connection: Connection, facility: AgreedFacility, now: datetime, partner: int | None = None
) -> dict[str, AccountDay]:
    """The business date that is running, of each account of a facility or of one partner's, by the
    partner's name."""
    day = business_day_at(facility.terms.calendar, now)
    moved = moved_on(connection, facility.number, day.date)
    curves = intraday(connection, facility.number, day, partner)
    return {
        facility.terms.partners[number - 1].name: AccountDay(
            flows(moved.get(number, {})), day, curve, int(now.timestamp())
        )
        for number, curve in curves.items()
    }


def today_figures(moved: Flows, decimals: int) -> list[DayFigure]:
    """Those figures of a day that are not 0."""
    named = {
        _("lent"): moved.lent,
        _("repaid"): moved.repaid,
        _("interest"): moved.interest,
        _("other in"): moved.other_in,
        _("other out"): moved.other_out,
    }
    return [
        DayFigure(label, signed_money(value, decimals)) for label, value in named.items() if value
    ]


def curve_text(curve: Sparkline | None, account: Balance) -> str:
    """A day's curve in words."""
    if curve is None:
        return _("No leg has moved this account yet.")
    first, lowest, highest, threshold = (
        money(one, account.decimals)
        for one in (curve.first, curve.lowest, curve.highest, account.low_balance)
    )
    return _(
        "The smaller book today: %(first)s at the last cut-off, lowest %(lowest)s, highest "
        "%(highest)s; threshold %(threshold)s.",
        first=first,
        lowest=lowest,
        highest=highest,
        threshold=threshold,
    )
