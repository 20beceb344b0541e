"""Who acts in this thread or process, and from where, as the audit trail names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

current_actor: ContextVar[str] = ContextVar("current_actor", default="node")
"""`command:USER` in a command, `person:NAME` while a node signs for somebody; `node` where no
person is there: the node's own jobs."""

current_address: ContextVar[str] = ContextVar("current_address", default="")
"""Where the request came from; empty for what came from no network."""


@contextmanager
def acting_as(actor: str, address: str) -> Iterator[None]:
    """What is done within is this actor's, from this address."""
    actor_before, address_before = current_actor.set(actor), current_address.set(address)
    try:
        yield
    finally:
        current_actor.reset(actor_before)
        current_address.reset(address_before)
