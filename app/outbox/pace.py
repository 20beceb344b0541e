"""How much gas a bank has on its way to a chain: additive up, multiplicative down.

Pure: no clock, no chain. What a bank sees is how long it takes until the chain has mined what is on
its way:

    some blocks, and all was used        more, by a fixed step; after a stall, twice as much until
                                         half of what was on its way when it began
    longer                               an eighth less: so much cannot be swallowed, and banks
                                         beside each other come to share
    nothing is mined for too long        half at once: a transaction may be more than the nodes can
                                         run while they make a block

Both the gas of a transaction and how many are in flight follow from it.
"""

from dataclasses import dataclass

from app.chain.engines import Pacing

_PIECES = 8
"""Transactions into which the gas in flight is divided at least, so that a block takes several."""


@dataclass(frozen=True, slots=True)
class _Round:
    """What is on its way: over once the chain has mined `until` of the key's transactions."""

    until: int
    block: int
    began_s: float


class Pace:
    """The gas that one bank may have in flight on an engine with these bounds."""

    def __init__(self, bounds: Pacing) -> None:
        self._bounds = bounds
        self.gas = bounds.first_gas
        """In flight at most, in all transactions together."""
        self._double_up_to = 0
        """After a stall, in gas: below, all that was mined soon lets twice as much follow."""
        self._has_stalled = False
        self._is_round_stalled = False
        self._block, self._mined = 0, 0
        self._looked_s = self._moved_s = 0.0
        self._round: _Round | None = None
        self._count = 0
        self._gas = 0
        self._is_used_up = False

    @property
    def transaction_gas(self) -> int:
        """The most for one transaction."""
        most = self._bounds.most_transaction_gas
        return max(self._bounds.least_gas, min(self.gas // _PIECES, most))

    def has_room(self) -> bool:
        """Whether one more transaction may be on its way."""
        has_room = self._count == 0 or (
            self._count < self._bounds.most_in_flight
            and self._gas + self.transaction_gas <= self.gas
        )
        self._is_used_up = self._is_used_up or not has_room
        return has_room

    def add(self, gas: int) -> None:
        """One more transaction is on its way."""
        self._count += 1
        self._gas += gas

    def note(self, now_s: float, block: int, mined: int, sent: int, count: int, gas: int) -> None:
        """A look at the chain at a time (of any clock that only goes on): its newest block, how
        many transactions of the key it has mined, of how many that were signed so far; and how
        many, of how much gas, are on their way: mined ones, too, until they are seen as final.
        """
        if self._round is None and sent > self._mined:  # with what was added at the last look
            self._round = _Round(sent, self._block, self._looked_s)
        if mined != self._mined or count == 0:
            self._moved_s = now_s
            self._has_stalled = False
        if self._round is not None and mined >= self._round.until:
            if not self._is_round_stalled:  # a stall is answered already
                self._adapt(block - self._round.block, now_s - self._round.began_s)
            self._round = None
            self._is_round_stalled = False
            self._is_used_up = False
        elif now_s - self._moved_s > self._bounds.late_after_s:
            if not self._has_stalled:
                self._double_up_to = self.gas // 2
            self._has_stalled = self._is_round_stalled = True
            self._set(self.gas // 2)
            self._moved_s = now_s
        self._block, self._looked_s, self._mined = block, now_s, mined
        self._count, self._gas = count, gas

    def _adapt(self, blocks: int, seconds: float) -> None:
        """All that was on its way has been mined in so many blocks. (A chain that makes one for
        each transaction makes many in no time.)"""
        soon = self._bounds.soon_blocks
        if blocks > soon and seconds > soon:
            self._set(self.gas - self.gas // 8)
            self._double_up_to = 0
        elif self._is_used_up:
            more = self.gas + 2 * self._bounds.least_gas
            self._set(max(more, min(2 * self.gas, self._double_up_to)))

    def _set(self, gas: int) -> None:
        self.gas = max(self._bounds.least_gas, min(gas, self._bounds.most_gas))
