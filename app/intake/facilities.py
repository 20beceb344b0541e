"""The way in for one bank's events, facility by facility, as the chain has these."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from app.domain.errors import StillReading, UsageFault
from app.intake.accept import Intake
from app.intake.reader import open_feed
from app.intake.results import FeedResult
from app.intake.store import EventStore
from app.intake.validation import Validator
from app.readmodel.facilities.agreed import AgreedFacility, agreed_facility


class Intakes:
    """Opens the intakes of a bank's facilities. `is_behind`: whether its read model lacks blocks
    that are known to be there, so that what it does not hold may well be."""

    def __init__(self, engine: Engine, bank: str, is_behind: Callable[[], bool]) -> None:
        self._engine = engine
        self._bank = bank
        self._is_behind = is_behind
        self.on_accepted: Callable[[], None] = lambda: None
        """Called after events were accepted, on the thread of who sent them."""

    def open(self, facility: str) -> Intake:
        """The intake of a facility. Raises UsageFault when this bank may not send its events, and
        StillReading as `facility` does."""
        agreed = self.facility(facility)
        if agreed.state == "closed":
            raise UsageFault(
                f"facility {facility} is closed",
                remedy="Its parties have closed it for ever; use the facility that follows it",
            )
        if agreed.state == "proposed":
            raise UsageFault(
                f"facility {facility} is not in force yet",
                remedy=f"It waits for the acceptance of {', '.join(agreed.waiting_for)}",
            )
        if self._bank not in agreed.terms.banks:
            raise UsageFault(
                f"{self._bank} is no party to facility {facility}",
                remedy="Only its lead and its partners send feeds",
            )
        store = EventStore(self._engine, lambda: self.on_accepted())
        return Intake(store, Validator(agreed.terms, self._bank))

    def take_in(
        self,
        facility: str,
        feed: Path,
        on_rows: Callable[[int], None],
        on_warning: Callable[[str], None],
    ) -> FeedResult:
        """Validate a feed file and accept its good rows, durably.

        `on_rows` hears how many more rows were taken in, `on_warning` what was ignored. Raises as
        `open` and `Intake.submit` do, and FeedFault for a file that is unusable as a whole.
        """
        intake = self.open(facility)
        with open_feed(feed, intake.facility, self._bank) as rows:
            taken = intake.submit(rows, str(feed), "file", header=rows.header, progress=on_rows)
        for warning in rows.warnings:
            on_warning(warning)
        return taken

    def facility(self, id_: str) -> AgreedFacility:
        """A facility on the chain. Raises UsageFault when there is none of that id, and
        StillReading while the view is being made (or rebuilt) and cannot know."""
        with self._engine.connect() as connection:
            found = agreed_facility(connection, id_)
        if found is not None and found.active:
            return found
        if self._is_behind():
            raise StillReading(
                f"the chain is still being read; what it says of facility {id_!r} is not known yet",
                remedy="Try again in some seconds",
            )
        if found is not None:
            return found
        raise UsageFault(
            f"facility {id_!r} is not on this chain",
            remedy="Check the id; the lead proposes a facility and every partner accepts it",
        )
