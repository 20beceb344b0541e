"""What the faces of one node stand on; the node brings it, `create_app` takes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from sqlalchemy import Engine

from app.api.models import EndpointOut
from app.api.notifier import Notifier
from app.domain.events import Quarantined
from app.services.intake import FeedResult, Receipt, Verdict


@dataclass(frozen=True, slots=True)
class ChainHealth:
    """The chain as this node last saw it. Asking for it must not wait for the chain.

    `head` is the newest final block at the endpoint, None while nobody answers there; `stalled`
    says that blocks should come and do not, `posting_stopped` that nothing more goes out until a
    person has looked (the node's log says why).
    """

    head: int | None
    stalled: bool = False
    posting_stopped: bool = False
    endpoints: Sequence[EndpointOut] = ()


class Inlet(Protocol):
    """The way in by REST for this bank's events (`feeds.rest.RestFeeds`).

    All but `decode` raise UsageFault where this bank may not send events of the facility.
    """

    def ready(self, facility: str) -> None:
        """Do nothing but raise where it may not."""

    def decode(self, body: bytes) -> Any:
        """The JSON of a body. Raises FeedFault for what is none."""

    def push(self, facility: str, event: object) -> Receipt | Quarantined:
        """Take in one event. Raises EventConflict."""

    def bulk(
        self, facility: str, events: Sequence[object], name: str
    ) -> tuple[FeedResult, list[Verdict]]:
        """Take in many in one commit."""

    def stream(
        self,
        facility: str,
        body: BinaryIO,
        name: str,
        verdicts: Callable[[Sequence[Verdict]], None],
    ) -> tuple[FeedResult, list[str]]:
        """Take in CSV or JSON lines, chunk by chunk. Raises FeedFault before anything is taken."""


@dataclass(frozen=True, slots=True)
class Context:
    """One node: whose it is, where its data lie, and what tells it news."""

    engine: Engine
    bank: str
    member: int
    role: str
    """lead, partner, auditor or regulator."""
    notifier: Notifier
    health: Callable[[], ChainHealth]
    inlet: Inlet
    development: bool = False
    """A development network: the page is open for reading to this machine, without a key."""
