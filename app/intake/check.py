"""Trying a feed file out: what would be accepted, and what would not, without anything being sent.

The rows go the whole way through the intake, into a database that is thrown away afterwards: so
a file of any size is checked for duplicates and reversals in little memory.
"""

import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.db.clock import now
from app.db.engine import create, upgrade
from app.db.vault import KEY_BYTES, Vault
from app.domain.facility import Facility
from app.intake.accept import Intake
from app.intake.reader import open_feed
from app.intake.results import FeedResult, Verdict
from app.intake.store import EventStore
from app.intake.validation import Validator


@dataclass(frozen=True, slots=True)
class FeedCheck:
    """What would become of a feed, were it the sender's first."""

    result: FeedResult
    warnings: Sequence[str]


def check_feed(
    path: Path,
    facility: Facility,
    sender: str,
    *,
    quarantined: Callable[[Verdict], None],
    clock: Callable[[], datetime] = now,
) -> FeedCheck:
    """Check a file against a facility; `quarantined` is told every row that would be quarantined.

    Raises FeedFault for a file that is unusable as a whole, UsageFault for an unfit sender.
    """

    def report(verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.status == "quarantined":
                quarantined(verdict)

    with (
        open_feed(path, facility, sender) as rows,
        tempfile.TemporaryDirectory(prefix="tally-check-") as folder,
    ):
        vault = Vault([secrets.token_bytes(KEY_BYTES)])
        engine = create(f"sqlite:///{Path(folder) / 'check.sqlite'}", vault=vault)
        try:
            upgrade(engine)
            intake = Intake(EventStore(engine), Validator(facility, sender), clock=clock)
            result = intake.submit(rows, str(path), "check", verdicts=report)
        finally:
            engine.dispose()
        return FeedCheck(result, rows.warnings)
