"""The life of a batch, as a table: what a look at the chain shows, and what follows from it.

Pure: no database, no chain. `settle` reads and writes around it.

    state      what it means                                          what follows
    sealed     its bytes and a signed attempt are stored together     it is broadcast
    broadcast  a node was given the attempt                           the chain mines it
    final      the contract's own sequence and digest count it        nothing
    reorged    it was final, or refused, on blocks that are lost      the same attempt is broadcast
    early      mined before the batch ahead of it, so refused         signed anew, behind that batch
    conflict   its nonce was used by bytes that are not ours          signed anew
    reverted   mined in its turn, and failed                          signed anew, with more gas
    forbidden  others stop this bank: a pause, a suspension           signed anew once they allow it
    stopped    it failed in its turn too often                        a person lets it go on

Signed anew: the same bytes under the next free nonce, which makes the batch sealed again. That a
transaction was mined is no state of its own: what counts is the contract's head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

SEALED, BROADCAST, FINAL, REORGED, EARLY, CONFLICTING, REVERTED, FORBIDDEN, STOPPED = (
    "sealed",
    "broadcast",
    "final",
    "reorged",
    "early",
    "conflict",
    "reverted",
    "forbidden",
    "stopped",
)
REFUSED = (EARLY, CONFLICTING, REVERTED, FORBIDDEN)
"""The states whose attempt did not do what it should."""

TO_BROADCAST = (SEALED, REORGED)
"""The states whose attempt no node was given, as far as is known."""

OPEN = (*TO_BROADCAST, BROADCAST, *REFUSED)
"""The states from which a batch goes on by itself."""

MAX_FAILURES = 5
"""Failures in its turn after which a batch, and its facility, stop for a person."""


class Seen(Enum):
    """What a look at the chain shows of a batch's newest attempt."""

    COUNTED = auto()
    """The contract's head is at this batch or beyond."""
    UNCOUNTED = auto()
    """The contract's head is before this batch. Asked of final ones only."""
    PENDING = auto()
    """The chain has not come to its nonce."""
    UNCLEAR = auto()
    """Its nonce is used; the head does not count it yet, or its receipt is missing once. Behind one
    address there may be several nodes, some behind the others: the next look tells."""
    NONCE_TAKEN = auto()
    """Its nonce is used and its receipt is missing for the second time."""
    OUT_OF_TURN = auto()
    """It failed, and was mined before the batch ahead of it."""
    FAILED = auto()
    """It failed in its turn."""
    BARRED = auto()
    """As failed, because of what other banks will lift."""


class Receipt(Enum):
    """What a node says of a transaction."""

    NONE = auto()
    SUCCEEDED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that is not final. `nonce`: its newest attempt's; `failures`: how often it failed in
    its turn since it was sealed, or since a person or the other banks let it go on."""

    sequence: int
    state: str
    nonce: int
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """`states` are added to the batch's history, in order; `sign`: the same bytes are signed under
    the next free nonce."""

    states: tuple[str, ...] = ()
    sign: bool = False


def seen_of(
    batch: Batch,
    *,
    head: int,
    mined: int,
    receipt: Receipt,
    was_missing: bool,
    nonce_ahead: int | None,
) -> Seen:
    """What the chain shows of a batch.

    `head`: the sequence that the contract counts up to; `mined`: how many transactions of the key
    the chain counts; `was_missing`: the last look found no receipt either; `nonce_ahead`: the
    newest nonce of the batch ahead, None where this key signed none for it.
    """
    if batch.sequence <= head:
        return Seen.COUNTED
    if batch.nonce >= mined:
        return Seen.PENDING
    match receipt:
        case Receipt.NONE:
            return Seen.NONCE_TAKEN if was_missing else Seen.UNCLEAR
        case Receipt.SUCCEEDED:
            return Seen.UNCLEAR
        case Receipt.FAILED:
            follows = nonce_ahead is None or nonce_ahead < batch.nonce
            return Seen.FAILED if batch.sequence == head + 1 and follows else Seen.OUT_OF_TURN


_FROM_OPEN = {
    Seen.COUNTED: FINAL,
    Seen.NONCE_TAKEN: CONFLICTING,
    Seen.OUT_OF_TURN: EARLY,
    Seen.FAILED: REVERTED,
    Seen.BARRED: FORBIDDEN,
}
NEXT: dict[tuple[str, Seen], str] = {
    **{(state, seen): then for state in OPEN for seen, then in _FROM_OPEN.items()},
    # What had forbidden it is lifted: that was no failure of its own.
    (FORBIDDEN, Seen.FAILED): FORBIDDEN,
    # Its nonce is free again: the blocks that had used it are lost.
    **{(state, Seen.PENDING): REORGED for state in REFUSED},
    (FINAL, Seen.UNCOUNTED): REORGED,
    (STOPPED, Seen.COUNTED): FINAL,
}
"""From a state, by what is seen, to the next one; whatever is not here changes nothing."""

_SIGNED_ANEW = (Seen.NONCE_TAKEN, Seen.OUT_OF_TURN, Seen.FAILED)


def decide(looked_at: Sequence[tuple[Batch, Seen]]) -> list[Decision]:
    """What to do with the batches of one facility, given in the order of their sequences.

    A batch is only signed anew when all before it are counted, on their way, or signed just now:
    else it would be early again, and again.
    """
    decisions = []
    is_blocked = False
    for batch, seen in looked_at:
        state = NEXT.get((batch.state, seen), batch.state)
        states: tuple[str, ...] = (state,) if state != batch.state else ()
        failures = batch.failures + (state in (REVERTED, CONFLICTING) and bool(states))
        sign = False
        if batch.state == STOPPED or seen in (Seen.UNCLEAR, Seen.BARRED):
            is_blocked = is_blocked or seen is not Seen.COUNTED
        elif seen in _SIGNED_ANEW and not is_blocked:
            if seen is not Seen.OUT_OF_TURN and failures >= MAX_FAILURES:
                states += (STOPPED,)
                is_blocked = True
            else:
                states += (SEALED,)
                sign = True
        decisions.append(Decision(states, sign))
    return decisions


def failures(history: Sequence[str]) -> int:
    """How often a batch with this history of states failed in its turn and nobody has let it go on
    since."""
    count = 0
    for state in history:
        if state in (STOPPED, FORBIDDEN):
            count = 0
        elif state in (REVERTED, CONFLICTING):
            count += 1
    return count
