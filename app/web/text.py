"""Amounts and times as people read them."""

import re
from datetime import UTC, datetime

from app.domain.money import format_amount


def money(minor: int, decimals: int) -> str:
    """An amount for people: thousands grouped, a true minus sign."""
    text = format_amount(abs(minor), decimals)
    whole, point, fraction = text.partition(".")
    return f"{'−' if minor < 0 else ''}{int(whole):,}{point}{fraction}"


def signed_money(minor: int, decimals: int) -> str:
    """The same with its sign, but for zero."""
    return f"{'+' if minor > 0 else ''}{money(minor, decimals)}"


def grouped(amount: str) -> str:
    """Decimal text as `money` has it; other text as it is."""
    if not re.fullmatch(r"-?\d+(\.\d+)?", amount):
        return amount
    return money(int(amount.replace(".", "")), len(amount.partition(".")[2]))


def age(seconds: int) -> str:
    """How long ago, in one unit; the page's script counts on in the same words."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} days"


def days(count: int) -> str:
    return f"{count:,} {'day' if count == 1 else 'days'}"


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(instant: str) -> str:
    """An instant of `iso` as people read it; that it is UTC is said beside it."""
    return instant.replace("T", " ").removesuffix("Z")


def minute(stamp: str) -> str:
    """A time as the tables of people keep it, to the minute."""
    return stamp[:16].replace("T", " ")


def words(name: str) -> str:
    """An event's name as words: `MemberAdmitted` is "member admitted"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def seconds_since(moment: datetime, now: datetime) -> int:
    return max(0, int((now - moment).total_seconds()))
