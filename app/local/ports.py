"""What the use cases need of the world outside, as Protocols; `bootstrap` brings the real ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from app.intake.results import FeedResult

RowsDone = Callable[[int], None]
"""Told how many more rows were taken in."""

Warn = Callable[[str], None]
"""Told what in a feed was ignored."""


class ReconcilingBank(Protocol):
    """One bank's own machinery, signing with its own keys and keeping its own database."""

    @property
    def name(self) -> str: ...

    def take_in(self, facility: str, feed: Path, rows_done: RowsDone, warn: Warn) -> FeedResult:
        """Validate a feed file and accept its good rows, durably."""

    def tick(self) -> int:
        """Do whatever can be done now (settle, fix, offer, index) and return how much it was.
        Never waits for a block."""

    def drained(self, facility: str) -> bool:
        """Whether every accepted event is on the chain, finally."""

    def last_final_block(self, facility: str) -> int:
        """The newest block that holds anything final that this bank posted; 0 for nothing."""

    def stopped(self, facility: str) -> str:
        """Why nothing more goes out until a person has looked; empty when all is well."""

    def indexed_block(self) -> int:
        """The last block that this bank's read model holds."""
