"""The chain's numbers as names, dates and times."""

from datetime import UTC, date, datetime, time
from functools import lru_cache

from app.domain.kinds import Kind

_KIND_NAMES = {int(kind): kind.feed_name for kind in Kind}


def kind_name(kind: int) -> str:
    """A kind's name in feeds; `unknown (N)` for what only a rejected leg can carry."""
    return _KIND_NAMES.get(kind) or f"unknown ({kind})"


def target_name(kind: int, reference: bytes, event_ref: str | None) -> str | None:
    """`kind/event_ref` of a reversal's target, `kind/#hash` where the name is unknown."""
    if kind == 0:
        return None
    return f"{kind_name(kind)}/{event_ref if event_ref is not None else '#' + reference.hex()}"


@lru_cache(4096)
def to_date(day: int) -> date:
    """A day of the chain as a date, kept within the calendar (a bank may post any number)."""
    return date.fromordinal(min(max(day, 1), date.max.toordinal()))


@lru_cache(4096)
def to_time(seconds: int) -> datetime:
    """A block's time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def optional_time(seconds: int | None) -> datetime | None:
    """The same; None for none."""
    return None if seconds is None else to_time(seconds)


def to_time_of_day(seconds: int) -> time:
    """A time of day from seconds since midnight."""
    minutes, second = divmod(seconds, 60)
    return time(minutes // 60, minutes % 60, second)
