"""The demonstration's sample: weeks of a past, so that days and forecasts have what they are of."""

from datetime import UTC, date, datetime

from app.domain.forecast import forecast
from app.intake.facility_file import load_facility
from app.local.demo.environment import FACILITY
from app.local.demo.sample import Sample

NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)  # a Saturday


def test_the_past_is_of_weekdays_before_today_and_begins_with_the_top_ups() -> None:
    facility = load_facility(FACILITY)
    rows = Sample(facility).history(NOW)
    for bank in facility.banks:
        booked = [datetime.fromisoformat(row["booked_at"]) for row in rows[bank]]
        local = [one.astimezone(facility.zone) for one in booked]
        assert all(one.weekday() < 5 for one in local)
        assert booked == sorted(booked)
        assert local[-1].date() == date(2026, 11, 27)
    partners = len(facility.partners)
    assert [row["kind"] for row in rows[facility.lead][:partners]] == ["top_up"] * partners
    assert rows == Sample(facility).history(NOW)


def test_it_is_long_enough_for_a_forecast_with_a_band() -> None:
    facility = load_facility(FACILITY)
    rows = Sample(facility).history(NOW)[facility.lead]
    first, today = date.fromisoformat(rows[0]["value_date"]), NOW.date()
    made = forecast(today, 0, tuple(0 for _ in range((today - first).days)))
    assert made is not None
    assert made.days[-1].low is not None
