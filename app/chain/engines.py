"""What differs between chain engines, in one place (docs: ENGINES)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Engine:
    """`finality_depth_blocks`: how far below the newest block a block is final. `keeps_blocks`:
    what was final stays, so that a node with fewer blocks can only be behind."""

    finality_depth_blocks: int
    keeps_blocks: bool


_ENGINES = {
    # One process, one writer: its newest block stands unless its disk state was lost.
    "anvil": Engine(finality_depth_blocks=0, keeps_blocks=False),
    "ganache": Engine(finality_depth_blocks=0, keeps_blocks=False),
    # Byzantine fault tolerant: a block that exists is final.
    "edge": Engine(finality_depth_blocks=0, keeps_blocks=True),
    "besu": Engine(finality_depth_blocks=0, keeps_blocks=True),
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
