"""Business dates in any zone, on any night: they never go backwards, and an oracle agrees."""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.business_date import BusinessCalendar
from tests.reference import oracle

BEGIN = datetime(1980, 1, 3, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime"})
SOME = ("America/New_York", "Europe/Prague", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Gaza")

zones = st.sampled_from(SOME) | st.sampled_from(ZONES)
cut_offs = st.times().map(lambda at: at.replace(microsecond=0)) | st.sampled_from(
    [time(0, 0), time(0, 30), time(1, 30), time(2, 30), time(23, 30), time(23, 59, 59)]
)
instants = st.integers(0, 57 * 366 * 86_400).map(lambda s: BEGIN + timedelta(seconds=s))


def changes(zone: str, year: int) -> list[datetime]:
    """The instants of a year, to the hour, at which a zone's clocks are changed."""
    begin = datetime(year, 1, 1, tzinfo=UTC)
    offsets = [
        (begin + timedelta(hours=hour)).astimezone(ZoneInfo(zone)).utcoffset()
        for hour in range(366 * 24)
    ]
    return [
        begin + timedelta(hours=at)
        for at in range(1, len(offsets))
        if offsets[at] != offsets[at - 1]
    ]


@given(zones, cut_offs, instants, st.timedeltas(timedelta(0), timedelta(days=3)))
@settings(max_examples=300)
def test_a_later_instant_never_has_an_earlier_business_date(
    zone: str, cut_off: time, at: datetime, later: timedelta
) -> None:
    calendar = BusinessCalendar(zone, cut_off)
    days = [calendar.business_day(at), calendar.business_day(at + later)]
    assert days == sorted(days)
    local = at.astimezone(ZoneInfo(zone)).toordinal()
    assert local <= days[0] <= local + 1


@given(zones, cut_offs, st.integers(1980, 2037), st.data())
@settings(max_examples=60, deadline=None)
def test_on_the_nights_of_a_clock_change_too(
    zone: str, cut_off: time, year: int, data: st.DataObject
) -> None:
    nights = changes(zone, year)
    night = data.draw(st.sampled_from(nights or [datetime(year, 6, 1, tzinfo=UTC)]))
    minutes = st.lists(st.integers(-26 * 60, 26 * 60), min_size=2, max_size=12)
    moments = sorted(night + timedelta(minutes=one) for one in data.draw(minutes))
    calendar = BusinessCalendar(zone, cut_off)
    days = [calendar.business_day(moment) for moment in moments]
    assert days == sorted(days)
    for moment, day in zip(moments, days, strict=True):
        local = moment.astimezone(ZoneInfo(zone)).date()
        seconds = int((moment - oracle.YEAR_1).total_seconds())
        ends = {
            one: oracle.cut_off_of(one, cut_off, ZoneInfo(zone))
            for one in (local + timedelta(days=days) for days in range(-1, 3))
        }
        assert day == min(one for one, end in ends.items() if end >= seconds).toordinal()


def test_the_oracle_knows_the_fraction_of_a_second() -> None:
    assert oracle.parse_booked_at("0001-01-01T00:00:00.5Z") == Fraction(1, 2)
    assert date(1, 1, 1) == oracle.YEAR_1.date()
