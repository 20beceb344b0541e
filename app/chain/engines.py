"""What differs between chain engines, in one place (docs: ENGINES)."""

from dataclasses import dataclass, replace

from app.verify.seals import IBFT, QBFT, Scheme


@dataclass(frozen=True, slots=True)
class Pacing:
    """Bounds of the gas that a bank has on its way to a chain. Gas is that of the limits that the
    transactions state.

    `first_gas`: in flight at the beginning; `late_after_s`: without one of its transactions mined
    for so long a bank sends half. `soon_blocks`: what is mined within so many blocks (or seconds)
    was not too much.
    """

    first_gas: int
    late_after_s: float
    soon_blocks: int = 3
    least_gas: int = 1_000_000
    most_transaction_gas: int = 16_400_000  # a posting of 500 parts
    most_in_flight: int = 24

    @property
    def most_gas(self) -> int:
        """In flight at most, in all transactions together."""
        return self.most_transaction_gas * self.most_in_flight


@dataclass(frozen=True, slots=True)
class Engine:
    """`finality_depth_blocks`: how far below the newest block a block is final. `keeps_blocks`:
    what was final stays, so that a node with fewer blocks can only be behind. `seals`: how
    validators seal its blocks, so that what an endpoint answers can be checked; None where nobody
    does."""

    finality_depth_blocks: int
    keeps_blocks: bool
    pacing: Pacing
    seals: Scheme | None = None


_SWALLOWS_ALL = Pacing(first_gas=393_600_000, late_after_s=15.0)
"""Begins with the most: what is seen of these engines is that they take it."""

_TAKES_IN_LATE = replace(_SWALLOWS_ALL, soon_blocks=6)
"""A proposer begins a block when the one before it stands, so that a transaction that comes then
waits for the next one but one, whatever its size; one that its gossip comes late for, longer."""

_ENGINES = {
    # One process, one writer: its newest block stands unless its disk state was lost.
    "anvil": Engine(finality_depth_blocks=0, keeps_blocks=False, pacing=_SWALLOWS_ALL),
    "ganache": Engine(finality_depth_blocks=0, keeps_blocks=False, pacing=_SWALLOWS_ALL),
    # Byzantine fault tolerant: a block that exists is final.
    "edge": Engine(finality_depth_blocks=0, keeps_blocks=True, pacing=_TAKES_IN_LATE, seals=IBFT),
    # Its nodes choose a block's transactions for 750 ms; more than they can run makes rounds fail.
    "besu": Engine(
        finality_depth_blocks=0,
        keeps_blocks=True,
        pacing=Pacing(first_gas=8_000_000, late_after_s=8.0),
        seals=QBFT,
    ),
}


def engine(name: str) -> Engine:
    """Raises ValueError for a name that no adapter knows."""
    try:
        return _ENGINES[name]
    except KeyError:
        known = ", ".join(sorted(_ENGINES))
        raise ValueError(f"unknown chain engine {name!r}; known are {known}") from None


_STATE_GONE = (
    "BlockOutOfRangeError",  # anvil, which keeps the state of its newest blocks only
    "missing trie node",  # ganache, Polygon Edge
    "World state unavailable",  # Besu
)


def state_is_gone(text: str) -> bool:
    """Whether a node's error says that it no longer holds the state after so old a block."""
    return any(phrase in text for phrase in _STATE_GONE)
