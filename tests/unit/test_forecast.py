"""Projected balances: by weekday, with a band of the method's own errors."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.forecast import HORIZON, forecast, past_errors, quantile

SUNDAY = date(2026, 11, 29)
WEEK = (-700, 100, 200, -50, 30, 0, 0)
"""Monday to Sunday."""


def test_the_same_weekday_moves_the_same() -> None:
    found = forecast(SUNDAY, 10_000, WEEK * 30 + WEEK[:6])
    assert found is not None
    assert [one.balance for one in found.days[:7]] == [9300, 9400, 9600, 9550, 9580, 9580, 9580]
    assert found.days[0].day.isoformat() == "2026-11-30"
    assert all((one.low, one.high) == (one.balance,) * 2 for one in found.days)
    assert {one.mean_error for one in found.quality} == {0}
    assert all(one.naive_error for one in found.quality)


def test_the_day_on_which_it_runs_out_and_what_prevents_it() -> None:
    found = forecast(SUNDAY, 900, WEEK * 30 + WEEK[:6])
    assert found is not None
    runs_out = found.first_below(0)
    assert runs_out is not None and runs_out.day.isoformat() == "2026-12-07"
    # The lowest is 900 - 420 - 700 on the second Monday.
    assert found.top_up(1_000) == 1_220
    assert found.top_up(-500) == 0
    enough = forecast(SUNDAY, 2_120, WEEK * 30 + WEEK[:6])
    assert enough is not None and enough.first_below(1_000) is None


@pytest.mark.parametrize("days", [0, 1, 27])
def test_too_short_a_history_projects_nothing(days: int) -> None:
    assert forecast(SUNDAY, 1, (5,) * days) is None


def test_a_short_history_has_no_band() -> None:
    found = forecast(SUNDAY, 1, (5,) * 30)
    assert found is not None
    assert {one.low for one in found.days} == {None}
    assert found.top_up(100) == 99


@given(st.lists(st.integers(-(10**15), 10**15), min_size=28, max_size=120))
def test_any_history_gives_whole_numbers_and_a_band_around_them(moved: list[int]) -> None:
    found = forecast(SUNDAY, 10**18, tuple(moved))
    assert found is not None and len(found.days) == HORIZON
    for one in found.days:
        assert type(one.balance) is int
        assert one.low is None or (one.high is not None and one.low <= one.balance <= one.high)


@given(st.lists(st.integers(-1000, 1000), min_size=40, max_size=120), st.integers(1, 12))
def test_a_past_forecast_knows_nothing_of_what_came(moved: list[int], last: int) -> None:
    changed = (*moved[:-last], *(one + 7 for one in moved[-last:]))
    known = len(moved) - last
    for before, after in zip(past_errors(tuple(moved)), past_errors(changed), strict=True):
        projections = [[came - error for error, came in one] for one in (before, after)]
        made = max(28, len(moved) - 91)
        assert projections[0][: known - made + 1] == projections[1][: known - made + 1]


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile(range(1, 11), one) for one in (1, 10, 11, 50, 90, 100)] == [1, 1, 2, 5, 9, 10]
