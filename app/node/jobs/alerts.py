"""What the node knows of itself and its alerts go by: the chain, stopped postings, certificates,
archives that could not be made."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from cryptography import x509
from sqlalchemy import Connection

from app.alerts.judge import Ending, NodeFacts, NotArchived, Stopped
from app.config import BankConfig
from app.http.context import NodeHealth
from app.outbox.dead_letters import stopped_batches
from app.readmodel.consortium.queries import waiting_keys

_CERTIFICATES_EVERY_S = 3600.0

_log = structlog.get_logger()


class OwnFacts:
    """Reads them; certificates once an hour."""

    def __init__(
        self,
        config: BankConfig,
        health: Callable[[], NodeHealth],
        not_archived: Callable[[], Sequence[NotArchived]],
    ) -> None:
        self._health = health
        self._not_archived = not_archived
        self._files = certificate_files(config)
        self._trouble_since: datetime | None = None
        self._endings: list[Ending] = []
        self._looked_at: float | None = None

    def __call__(self, connection: Connection) -> NodeFacts:
        health = self._health()
        trouble = _chain_trouble(health)
        if not trouble:
            self._trouble_since = None
        elif self._trouble_since is None:
            self._trouble_since = datetime.now(UTC)
        return NodeFacts(
            feeds={},
            stopped=list(_stopped(connection, health)),
            chain_trouble=trouble,
            chain_trouble_since=self._trouble_since,
            endings=[*self._certificates(), *_keys(connection)],
            not_archived=self._not_archived(),
        )

    def _certificates(self) -> Sequence[Ending]:
        now = time.monotonic()
        if self._looked_at is None or now - self._looked_at > _CERTIFICATES_EVERY_S:
            self._looked_at = now
            self._endings = [
                ending
                for name, path in self._files.items()
                if path is not None
                for ending in certificates(name, path)
            ]
        return self._endings


def certificate_files(config: BankConfig) -> dict[str, Path | None]:
    """All that hold certificates, by their keys in `bank.toml`."""
    return {
        "rpc_ca": config.rpc_ca,
        "rpc_cert": config.rpc_cert,
        "[oidc] ca": config.oidc.ca if config.oidc else None,
        "[mail] ca": config.mail.ca if config.mail else None,
        "[webhooks] ca": config.webhooks.ca,
    }


def certificates(name: str, path: Path) -> Iterator[Ending]:
    """The certificate of a file that ends first."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as fault:
        _log.warning("certificate cannot be read", file=str(path), why=type(fault).__name__)
        return
    ends = min(one.not_valid_after_utc for one in found)
    yield Ending(f"certificate {name} ({path.name})", ends)


def _chain_trouble(health: NodeHealth) -> str:
    if health.wrong_chain:
        return health.wrong_chain
    if health.head is None:
        return f"the chain endpoint {health.endpoint} does not answer"
    return "it answers, and no block comes" if health.stalled else ""


def _stopped(connection: Connection, health: NodeHealth) -> Iterator[Stopped]:
    for batch in stopped_batches(connection):
        yield Stopped(batch.facility, f"batch {batch.sequence}: {batch.why}")
    if health.posting_conflict:
        yield Stopped("", health.posting_conflict)


def _keys(connection: Connection) -> Iterator[Ending]:
    for one in waiting_keys(connection):
        if one.due_at is not None:
            purpose = one.asked.get("purpose", "unreadable")
            name = f"{purpose} key of {one.subject} (proposal {one.number} gives another one)"
            yield Ending(name, one.due_at)
