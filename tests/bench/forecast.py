"""The forecast of reserve balances, backtested on the 682 real loans beside naive forecasts.

    python -m tests.bench.forecast    prints the table of docs/forecast.md

The loans' drawdowns and contractual monthly repayments move one account, day by day. From 400 days
on, every seventh day up to the last loan a forecast is made with what was known then.
"""

from __future__ import annotations

import calendar
import csv
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from rich.table import Table

from app.cli.shared.console import stdout
from app.domain.forecast import HORIZON, WEEKS, forecast, projected_sums
from tests.reference.berka import shared_folder

_AHEAD = (1, 5, 7, 10, HORIZON)
_FIRST, _STEP = 400, 7
_MINOR = 100

Sums = Callable[[Sequence[int]], list[int]]
"""What is projected to move in all within 1, 2, … days, from the days before."""


def daily_movements(loans: Path) -> tuple[date, list[int]]:
    """The first day, and what each day moved in minor units, up to the last loan's."""
    moved: dict[date, int] = {}
    last = date.min
    with loans.open(newline="") as file:
        for row in csv.DictReader(file):
            granted = date.fromisoformat(row["granted_on"])
            last = max(last, granted)
            moved[granted] = moved.get(granted, 0) - int(row["amount_czk"]) * _MINOR
            payment = int(Decimal(row["monthly_payment_czk"]) * _MINOR)
            for month in range(1, int(row["duration_months"]) + 1):
                due = _months_later(granted, month)
                moved[due] = moved.get(due, 0) + payment
    first = min(moved)
    days = range((last - first).days + 1)
    return first, [moved.get(first + timedelta(days=one), 0) for one in days]


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _nothing(moved: Sequence[int]) -> list[int]:
    return [0] * HORIZON


def _last_week(moved: Sequence[int]) -> list[int]:
    """As last week: each day moves what the same weekday moved last."""
    sums, total = [], 0
    for ahead in range(HORIZON):
        total += moved[-7 + ahead % 7]
        sums.append(total)
    return sums


def mean_errors(moved: Sequence[int], sums: Sums) -> list[int]:
    """Mean absolute errors by days ahead (`_AHEAD`), in minor units."""
    errors: list[list[int]] = [[] for _ in _AHEAD]
    for made in range(_FIRST, len(moved) - HORIZON, _STEP):
        projected = sums(moved[:made])
        for place, ahead in enumerate(_AHEAD):
            errors[place].append(abs(sum(moved[made : made + ahead]) - projected[ahead - 1]))
    return [sum(one) // len(one) for one in errors]


def within_band(first: date, moved: Sequence[int]) -> list[int]:
    """Of a hundred forecasts, how many balances lay in the band, by days ahead (`_AHEAD`)."""
    hits, made_in_all = [0] * len(_AHEAD), 0
    history = 7 * (2 * WEEKS + 2)
    for made in range(_FIRST, len(moved) - HORIZON - 1, _STEP):
        # The day `made` itself is the one that is running; its movements are in the balance.
        found = forecast(first + timedelta(days=made), 0, tuple(moved[made - history : made]))
        assert found is not None
        made_in_all += 1
        for place, ahead in enumerate(_AHEAD):
            day = found.days[ahead - 1]
            came = sum(moved[made + 1 : made + 1 + ahead])
            assert day.low is not None and day.high is not None
            hits[place] += day.low <= came <= day.high
    return [100 * one // made_in_all for one in hits]


def main() -> None:
    first, moved = daily_movements(shared_folder() / "data/berka_loans.csv")
    count = len(range(_FIRST, len(moved) - HORIZON, _STEP))
    table = Table(box=None, header_style="dim")
    table.add_column(f"mean error in CZK of {count} forecasts, days ahead")
    for ahead in _AHEAD:
        table.add_column(f"{ahead}", justify="right")
    for name, sums in (
        ("naive: nothing moves", _nothing),
        ("naive: as last week", _last_week),
        (f"mean of the weekday in {WEEKS} weeks", projected_sums),
    ):
        table.add_row(name, *(f"{one // _MINOR:,}" for one in mean_errors(moved, sums)))
    table.add_row("of a hundred, within the band", *map(str, within_band(first, moved)))
    stdout.print(table)


if __name__ == "__main__":
    main()
