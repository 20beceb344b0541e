"""The life of a prepared act, as a table.

    state      what it means                                      what follows
    prepared   it waits for the signature of another person       signing, withdrawn, expired
    signing    a person signs it; nothing was sent                prepared, refused, sent
    sent       its signed bytes are stored, and only then sent    signed, failed
    signed     its transaction is on the chain
    refused    it cannot be done any more; nothing was sent
    failed     its transaction changed nothing, and never will
    withdrawn  a person of the bank has taken it back
    expired    nobody signed it in time

Whatever is cut off leaves `signing`, in which nothing was sent, or `sent`, whose bytes are stored:
those alone are sent again, so that there is never a second transaction.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a prepared act stands."""

    PREPARED = "prepared"
    SIGNING = "signing"
    SENT = "sent"
    SIGNED = "signed"
    REFUSED = "refused"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


NEXT: dict[State, frozenset[State]] = {
    State.PREPARED: frozenset({State.SIGNING, State.WITHDRAWN, State.EXPIRED}),
    State.SIGNING: frozenset({State.PREPARED, State.REFUSED, State.SENT}),
    State.SENT: frozenset({State.SIGNED, State.FAILED}),
    State.SIGNED: frozenset(),
    State.REFUSED: frozenset(),
    State.FAILED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
}
"""From a state to those that may follow."""

WAITING = (State.PREPARED, State.SIGNING, State.SENT)
"""The states in which something may still become of it: one act at a time for each subject."""
