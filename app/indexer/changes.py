"""What a range of blocks changes in the read model, while it is being worked out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Executable

from app.indexer.scan import Header
from app.indexer.state import Account, State


@dataclass(slots=True)
class Changes:
    """What a range changes, ready to be written in one transaction."""

    rare: list[Executable] = field(default_factory=list)
    blocks: list[tuple[Any, ...]] = field(default_factory=list)
    postings: list[tuple[Any, ...]] = field(default_factory=list)
    new_pairs: list[list[Any]] = field(default_factory=list)
    changed_pairs: dict[int, list[Any]] = field(default_factory=dict)
    rejections: list[tuple[Any, ...]] = field(default_factory=list)
    accounts: dict[tuple[int, int], Account] = field(default_factory=dict)
    incidents: list[tuple[str, str, int]] = field(default_factory=list)
    """(what, place, block)"""
    matched: list[list[Any]] = field(default_factory=list)
    """Rows of the pairs whose second half came and agreed."""
    legs: int = 0


class Projection:
    """A range on its way into the read model, as the handlers of its events see it.

    Events are taken in the order of the chain. What needs the pairs that a range touches is put off
    with `later` until they are loaded, and is then done in the same order.
    """

    def __init__(
        self, state: State, headers: dict[int, Header], open_key: Callable[[bytes], bytes | None]
    ) -> None:
        self.state = state
        self.headers = headers
        """Of the blocks that held events."""
        self.open_key = open_key
        """A reference key sealed to this node's member to the key; None where it does not open."""
        self.changes = Changes()
        self.wanted: dict[tuple[int, int], set[bytes]] = {}
        """Account to the keys of the pairs that are touched, to be put into `Account.pairs`."""
        self.steps: list[Callable[[], None]] = []

    def later(self, step: Callable[[], None]) -> None:
        """Do this once the wanted pairs are there."""
        self.steps.append(step)

    def want(self, facility: int, partner: int, key: bytes) -> None:
        """A pair is touched: its key is the kind's byte and the reference, and for a reversal its
        target's kind byte and reference."""
        self.wanted.setdefault((facility, partner), set()).add(key)

    def time(self, block: int) -> int:
        """A block's time, seconds since 1970 UTC."""
        return self.headers[block].timestamp
