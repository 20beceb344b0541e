"""A range of blocks on its way into the read model, as the handlers of its events see it."""

from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import Executable

from app.contracts.events import ContractEvent
from app.indexer.changes import Changes, Incident
from app.indexer.scan import Header
from app.indexer.state import State, Touched

_MOST_CHARACTERS = 200


class Projection:
    """Events are taken in the order of the chain. What needs the pairs that a range touches is put
    off with `later` until they are loaded, and is then done in the same order."""

    def __init__(
        self, state: State, headers: dict[int, Header], open_key: Callable[[bytes], bytes | None]
    ) -> None:
        self.state = state
        self.headers = headers
        """Of the blocks that held events."""
        self.open_key = open_key
        """A reference key sealed to this node's member to the key; None where it does not open."""
        self.changes = Changes(state.next_number)
        self.statements: list[Executable] = []
        """What rare events write, in order."""
        self.touched: defaultdict[tuple[int, int], Touched] = defaultdict(Touched)
        """By account, the pairs that must be in `Account.pairs` if there are any."""
        self.steps: list[Callable[[], None]] = []

    def later(self, step: Callable[[], None]) -> None:
        """Do this once the wanted pairs are there."""
        self.steps.append(step)

    def want(self, facility: int, partner: int, key: bytes) -> None:
        """A pair is touched (`domain.matching.pairs.pair_key`)."""
        self.touched[facility, partner].wanted.add(key)

    def incident(self, event: ContractEvent, fault: Exception) -> Incident:
        """That an event says what cannot be understood."""
        why = f"{type(fault).__name__}: {fault}"[:_MOST_CHARACTERS]
        place = f"{event.name} of transaction {event.tx_hash}: {why}"
        return Incident("unreadable", place, event.block_number)

    def time(self, block: int) -> int:
        """A block's time, seconds since 1970 UTC."""
        return self.headers[block].timestamp
