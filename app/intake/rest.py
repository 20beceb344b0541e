"""Events that come by REST: bodies decoded and handed to the intake."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from app.domain.errors import FeedFault
from app.intake import json_values
from app.intake.accept import Intake
from app.intake.lines import ByteStream
from app.intake.reader import Feed, JudgedFeed
from app.intake.results import FeedResult, Verdict
from app.intake.validation import Validator

_KEPT_S = 30.0
"""New versions start 31 days after they are agreed at the earliest: anything less will do."""


class RestFeeds:
    """The way in by REST for one bank's events. Safe for threads.

    `intake_of` gives the intake of a facility's id, or raises UsageFault where this bank may not
    send; it is asked again now and then, because facilities change.
    """

    def __init__(self, intake_of: Callable[[str], Intake]) -> None:
        self._intake_of = intake_of
        self._intakes: dict[str, tuple[float, Intake]] = {}
        """Since when (monotonic clock), and the intake."""

    def decode(self, body: bytes) -> Any:
        """The JSON of a body, numbers as they were written. Raises FeedFault for what is none."""
        try:
            return json_values.decode(body.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise FeedFault(f"the body is not UTF-8 (byte {error.start})") from None
        except ValueError as error:
            raise FeedFault(f"the body is not JSON: {error}") from None

    def stream(
        self,
        facility: str,
        body: ByteStream,
        name: str,
        verdicts: Callable[[Sequence[Verdict]], None],
        *,
        source: str = "bulk",
    ) -> tuple[FeedResult, list[str]]:
        """Take in CSV or JSON lines chunk by chunk; returns the sums, and what was ignored.

        Raises FeedFault when the body is unusable as a whole; nothing was taken then.
        """
        intake = self.intake(facility)
        rows = JudgedFeed(Feed(body, name), Validator(intake.facility, intake.sender))
        result = intake.submit(rows, name, source, header=rows.header, verdicts=verdicts)
        return result, rows.warnings

    def intake(self, facility: str) -> Intake:
        """The intake of a facility. Raises UsageFault where this bank may not send its events."""
        since, intake = self._intakes.get(facility, (0.0, None))
        now = time.monotonic()
        if intake is None or now - since > _KEPT_S:
            intake = self._intake_of(facility)
            self._intakes[facility] = (now, intake)
        return intake
