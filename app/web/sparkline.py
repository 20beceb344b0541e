"""A small curve of a day, as the points of an SVG line: it needs no script, and prints."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.readmodel.accounts.curves import BooksAt, BusinessDay

WIDTH, HEIGHT = 120, 30


@dataclass(frozen=True, slots=True)
class Sparkline:
    """`points`: of a polyline in a box of WIDTH x HEIGHT, the day from its beginning to its end.
    `threshold`: the height of the threshold's line. `lowest`, `highest`: balances, minor units."""

    points: str
    threshold: int
    first: int
    lowest: int
    highest: int


def sparkline(
    curve: Sequence[BooksAt], day: BusinessDay, now: int, threshold: int
) -> Sparkline | None:
    """The balance (the smaller book) since the day began, in steps; None where nothing is known."""
    if not curve:
        return None
    balances = [point.balance for point in curve]
    low, high = min(*balances, threshold), max(*balances, threshold)
    span = max(high - low, 1)

    def across(at: int) -> int:
        return max(0, min(WIDTH, (at - day.begins) * WIDTH // (day.ends - day.begins)))

    def down(balance: int) -> int:
        return 2 + (high - balance) * (HEIGHT - 4) // span

    corners: list[tuple[int, int]] = []
    for at, balance in zip((point.at for point in curve), balances, strict=True):
        if corners:
            corners.append((across(at), corners[-1][1]))
        corners.append((across(at), down(balance)))
    corners.append((max(across(now), corners[-1][0]), corners[-1][1]))
    kept = [one for at, one in enumerate(corners) if at == 0 or one != corners[at - 1]]
    return Sparkline(
        points=" ".join(f"{x},{y}" for x, y in kept),
        threshold=down(threshold),
        first=balances[0],
        lowest=min(balances),
        highest=max(balances),
    )
