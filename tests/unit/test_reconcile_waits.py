"""Up to which block every bank must have read the chain before a run is reported."""

from __future__ import annotations

from collections.abc import Iterable

from app.local.reconcile import CaughtUp, Message, Posted, reconcile


class Posting:
    """A bank whose last batch is final in a block, and that is told up to where to read."""

    def __init__(self, name: str, block: int) -> None:
        self.name = name
        self.block = block
        self.told: list[int] = []
        self._posted = False

    def messages(self) -> Iterable[Message]:
        if not self._posted:
            self._posted = True
            yield Posted(None, self.block)
        if self.told:
            yield CaughtUp()

    def read_up_to(self, block: int) -> None:
        self.told.append(block)


def test_a_node_that_lags_does_not_end_the_reading_before_what_was_posted() -> None:
    banks = [Posting("lead", 7), Posting("partner", 9)]
    reconcile(banks, lambda: 6, lambda bank, message: None)
    assert [bank.told for bank in banks] == [[9], [9]]


def test_blocks_that_came_after_the_last_posting_are_read_too() -> None:
    banks = [Posting("lead", 7), Posting("auditor", 0)]
    reconcile(banks, lambda: 12, lambda bank, message: None)
    assert [bank.told for bank in banks] == [[12], [12]]
