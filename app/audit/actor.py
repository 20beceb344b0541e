"""Who acts in this thread or process, as the audit trail names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

current_actor: ContextVar[str] = ContextVar("current_actor", default="node")
"""`command:USER` in a command, `person:NAME` while a node signs for somebody; `node` where no
person is there: the node's own jobs."""


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """What is done within is this actor's."""
    before = current_actor.set(actor)
    try:
        yield
    finally:
        current_actor.reset(before)
