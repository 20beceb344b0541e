"""Curves as the page's script draws them: a table beside each says the same in figures.

Positions on the screen are floats; every amount that is read stands in text, made from minor units.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from app.web.text import money


def noon(day: date) -> int:
    """Where a whole day stands on an axis of time: seconds since 1970 UTC."""
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a curve, in minor units; None where it has no value. `tone`: a colour's name in
    the style sheet."""

    label: str
    amounts: Sequence[int | None]
    tone: str = "--accent"
    dashed: bool = False
    steps: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """`times`: seconds since 1970 UTC, ascending; `said`: each as people read it. `band`: the two
    lines (from 1) between which it is shaded."""

    times: Sequence[int]
    said: Sequence[str]
    time_zone: str
    decimals: int
    lines: Sequence[Line]
    by_day: bool = False
    until: int | None = None
    """The end of the axis, where that is after the last time."""
    band: tuple[int, int] | None = None
    text: str = ""
    """The curve in words."""

    @property
    def data(self) -> str:
        """JSON for the page's script."""
        scale = 10**self.decimals

        def line(one: Line) -> dict[str, Any]:
            return {
                "label": one.label,
                "y": [None if amount is None else amount / scale for amount in one.amounts],
                "said": [
                    "" if amount is None else money(amount, self.decimals) for amount in one.amounts
                ],
                "tone": one.tone,
                "dashed": one.dashed,
                "steps": one.steps,
                "hidden": one.hidden,
            }

        last = self.until or self.times[-1]
        return json.dumps(
            {
                "x": list(self.times),
                "x_said": list(self.said),
                "by_day": self.by_day,
                "range": [self.times[0], max(last, self.times[0] + 1)],
                "time_zone": self.time_zone,
                "series": [line(one) for one in self.lines],
                "band": self.band,
            }
        )
