"""The balance of a reserve account in the days to come: pure, in integers of minor units.

Method (docs/forecast.md). What a coming business date moves is the mean of what the same weekday
moved in the last `WEEKS` weeks. The band is made of the method's own errors: the same forecast is
made for every day of the last `WEEKS` weeks, and the tenth and the ninetieth of a hundred of its
errors after so many days are added to the projected balance. A weekday on which nothing ever moves
(a weekend) is so projected to move nothing: that is all that is known of a facility's holidays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

WEEKS = 13
HORIZON = 14
"""Days that are projected."""

_LEAST_WEEKS = 4
"""Of history, below which nothing is projected."""
_LEAST_ERRORS = 20
"""Below which there is no band."""


@dataclass(frozen=True, slots=True)
class Projected:
    """The balance at the end of a business date. `low` and `high`: between which it was eight times
    of ten, by the errors of the last weeks; None where there are too few of those."""

    day: date
    balance: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the forecasts of the last weeks were so many days ahead: how many there were, their
    mean error, and that of the naive forecast, by which the balance stays as it is."""

    days_ahead: int
    made: int
    mean_error: int
    naive_error: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """`available`: the balance less active holds, from which it starts, on the date `since`."""

    since: date
    available: int
    days: Sequence[Projected]
    quality: Sequence[Quality]

    def first_below(self, amount: int, *, at_worst: bool = False) -> Projected | None:
        """The first day on which the projected balance (`at_worst`: the band's lower end) is below
        an amount; None where there is none."""
        for one in self.days:
            found = one.low if at_worst and one.low is not None else one.balance
            if found < amount:
                return one
        return None

    def top_up(self, threshold: int) -> int:
        """What keeps the band's lower end at the threshold or above it on every day; 0: nothing."""
        lowest = min(one.balance if one.low is None else one.low for one in self.days)
        return max(0, threshold - min(lowest, self.available))


def forecast(since: date, available: int, moved: tuple[int, ...]) -> Forecast | None:
    """`moved`: what lending moved on each business date up to the day before `since`, without a
    gap, the oldest first; what has moved on `since` is in `available`, and what may still move on
    it is not projected. None where that is too little to say anything."""
    if len(moved) < 7 * _LEAST_WEEKS:
        return None
    errors = past_errors(moved)
    days = []
    for ahead, total in enumerate(projected_sums(moved, skipped=1), start=1):
        found = sorted(error for error, _ in errors[ahead - 1])
        balance = available + total
        has_band = len(found) >= _LEAST_ERRORS
        days.append(
            Projected(
                since + timedelta(days=ahead),
                balance,
                balance + min(0, quantile(found, 10)) if has_band else None,
                balance + max(0, quantile(found, 90)) if has_band else None,
            )
        )
    quality = [
        Quality(
            ahead,
            len(errors[ahead - 1]),
            _mean([abs(error) for error, _ in errors[ahead - 1]]),
            _mean([abs(naive) for _, naive in errors[ahead - 1]]),
        )
        for ahead in (1, 5, 10, HORIZON)
        if errors[ahead - 1]
    ]
    return Forecast(since, available, days, quality)


def projected_sums(moved: Sequence[int], skipped: int = 0) -> list[int]:
    """What lending moves in all within 1, 2, … days, the first of them after the last of `moved`
    and so many that are skipped."""
    sums, total = [], 0
    for ahead in range(1 + skipped, HORIZON + 1 + skipped):
        # The same weekday, as long ago as it was at least a week before the forecast's day.
        newest = len(moved) - 1 + ahead - 7 * ((ahead + 6) // 7)
        same = moved[newest::-7][:WEEKS] if newest >= 0 else []
        total += _mean(same)
        sums.append(total)
    return sums


@lru_cache(maxsize=1024)
def past_errors(moved: tuple[int, ...]) -> list[list[tuple[int, int]]]:
    """By days ahead (from 1), the errors of the forecasts that were made on each day of the last
    `WEEKS` weeks with what was known then: what came less what was projected, and what came (the
    error of who says that nothing will move)."""
    errors: list[list[tuple[int, int]]] = [[] for _ in range(HORIZON)]
    first = max(7 * _LEAST_WEEKS, len(moved) - 7 * WEEKS)
    for made in range(first, len(moved)):
        came = 0
        for ahead, total in enumerate(projected_sums(moved[:made]), start=1):
            if made + ahead > len(moved):
                break
            came += moved[made + ahead - 1]
            errors[ahead - 1].append((came - total, came))
    return errors


def quantile(ordered: Sequence[int], percent: int) -> int:
    """The value below which so many of a hundred lie, by the nearest rank."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _mean(values: Sequence[int]) -> int:
    """Rounded to the nearest integer, halves up; 0 of nothing."""
    return (2 * sum(values) + len(values)) // (2 * len(values)) if values else 0
