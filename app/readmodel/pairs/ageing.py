"""Age buckets of breaks, by the chain's clock, which is the same for every bank."""

DAY_S = 24 * 3600
AGES = (
    ("up_to_1_day", 1),
    ("up_to_3_days", 3),
    ("up_to_7_days", 7),
    ("up_to_30_days", 30),
    ("over_30_days", None),
)
"""Age buckets and the last day of each: whole periods of 24 hours since the first half's block."""


def age_of(seconds: int) -> str:
    """The bucket of an age."""
    return next(name for name, last in AGES if last is None or seconds <= last * DAY_S)


def ages_of(bucket: str) -> tuple[int, int | None]:
    """The seconds that an age of this bucket is above, and at most; 0: any, None: without end."""
    place = [name for name, _ in AGES].index(bucket)
    last = AGES[place][1]
    before = AGES[place - 1][1] if place else 0
    assert before is not None, "the last bucket alone has no end"
    return before * DAY_S, None if last is None else last * DAY_S
