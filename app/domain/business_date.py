"""The business date of an instant, on every night of the year.

Days are `date.toordinal()`; instants are whole seconds since 1970-01-01T00:00:00Z.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_LAST_DAY = date.max.toordinal()
_NEVER = 1 << 62
"""The cut-off of a day that no calendar has: after every instant."""
_CACHED_DAYS = 20_000


@lru_cache(maxsize=256)
def known_zone(name: str) -> ZoneInfo | None:
    """The time zone of that name; None where this machine knows none."""
    try:
        return ZoneInfo(name)
    # A name that is a path or a folder fails in other ways than one that is not there.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_or_utc(name: str) -> tzinfo:
    """The same; UTC where there is none: a lead proposes any text, and what is shown of its
    facility must not keep from view what is shown of the others."""
    return known_zone(name) or UTC


class BusinessCalendar:
    """The cut-offs of a facility: a local time of day in a time zone (see `zone_or_utc`), and its
    later versions.

    `later` is (first local date, cut-off) of each later version, oldest first.
    """

    def __init__(self, zone: str, cut_off: time, later: Sequence[tuple[int, time]] = ()) -> None:
        self._zone = zone_or_utc(zone)
        self._cut_off = cut_off
        self._later = later
        self._instants: dict[int, int] = {}

    def business_day(self, booked_at: datetime) -> int:
        """The first local date whose cut-off instant is not before `booked_at` in whole seconds.

        A later instant never has an earlier business date. The day after 9999-12-31 has a number
        like any other. Raises OverflowError for an instant that has no date in the zone.
        """
        instant = (booked_at - _EPOCH) // _SECOND
        day = booked_at.astimezone(self._zone).toordinal() - 1
        while self.cut_off_instant(day) < instant:
            day += 1
        return day

    def cut_off_instant(self, day: int) -> int:
        """When a local date ends.

        A cut-off that occurs twice on that date is the earlier one; for one that does not occur it
        is the first instant after the gap.
        """
        known = self._instants.get(day)
        if known is None:
            if len(self._instants) >= _CACHED_DAYS:
                self._instants.clear()
            known = self._instants[day] = self._find(day)
        return known

    def _find(self, day: int) -> int:
        if day < 1:
            return -_NEVER
        if day > _LAST_DAY:
            return _NEVER
        cut_off = self._cut_off
        for first_day, later in self._later:
            if day >= first_day:
                cut_off = later
        local = datetime.combine(date.fromordinal(day), cut_off)
        # Of a time that occurs twice, fold 0 is the earlier one; of one that does not occur, fold 0
        # is read with the offset before the gap, so that it is an instant behind it, and fold 1
        # with the offset after it, an instant ahead of it.
        first = _instant(local.replace(tzinfo=self._zone, fold=0))
        try:
            if self._local(first) == local:
                return first
        except OverflowError:  # at either end of the calendar, where no clock is ever changed
            return first
        ahead = _instant(local.replace(tzinfo=self._zone, fold=1))
        seconds = range(ahead, first + 1)
        return seconds[bisect_left(seconds, local, key=self._local)]

    def _local(self, instant: int) -> datetime:
        moment = (_EPOCH + instant * _SECOND).astimezone(self._zone)
        return moment.replace(tzinfo=None, fold=0)


@lru_cache(maxsize=256)
def business_calendar(
    zone: str, cut_off: time, later: tuple[tuple[int, time], ...] = ()
) -> BusinessCalendar:
    """The calendar of a zone and its cut-offs; one is kept for each."""
    return BusinessCalendar(zone, cut_off, later)


def _instant(moment: datetime) -> int:
    return (moment - _EPOCH) // _SECOND
