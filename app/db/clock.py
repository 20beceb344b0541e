"""Times as the tables keep them: ISO 8601 text in UTC, which sorts as time does."""

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """To the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def now() -> datetime:
    """UTC."""
    return datetime.now(UTC)
