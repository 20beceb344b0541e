"""How a node is: the chain, the outbox, the database, and what keeps it from its work."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.domain.errors import StorageFault
from app.http.context import Context, NodeHealth
from app.outbox.pending import Backlog, backlog
from app.presentation.health import (
    ChainOut,
    DatabaseOut,
    HealthOut,
    OutboxOut,
    TroubleName,
    TroubleOut,
)
from app.readmodel.chain import Position, position
from app.readmodel.consortium.queries import waiting_keys
from app.readmodel.consortium.shapes import Proposal

BEHIND_BLOCKS = 5
"""So many blocks may lie between the chain and the read model before a node counts as behind."""

Status = Literal["live", "behind", "stalled", "unreachable", "starting"]


def chain_status(cursor: Position | None, health: NodeHealth) -> Status:
    """How the chain stands, and this node to it."""
    if health.head is None:
        return "unreachable"
    if cursor is None:
        return "starting"
    if health.stalled:
        return "stalled"
    lag = health.head - cursor.block_number
    return "behind" if lag > BEHIND_BLOCKS or (health.index_fault and lag > 0) else "live"


def health_of(context: Context) -> HealthOut:
    """Everything that a node knows of itself, now."""
    seen = context.health()
    now = datetime.now(UTC)
    cursor: Position | None = None
    waiting: Backlog | None = None
    keys: list[Proposal] = []
    fault = seen.database_fault
    try:
        with context.engine.connect() as connection:
            cursor = position(connection)
            waiting = backlog(connection)
            keys = waiting_keys(connection)
    except (StorageFault, PoolTimeout) as error:
        fault = error.what if isinstance(error, StorageFault) else "all its connections are in use"
    lag = age = None
    if cursor is not None:
        age = max(0, int((now - cursor.block_time).total_seconds()))
        if seen.head is not None:
            lag = max(0, seen.head - cursor.block_number)
    status = chain_status(cursor, seen)
    return HealthOut(
        status=status,
        posting="stopped" if seen.posting_conflict or seen.facilities_stopped else "running",
        bank=context.bank,
        role=context.role,
        chain=ChainOut(
            endpoint=seen.endpoint,
            right_chain=None
            if seen.head is None and not seen.wrong_chain
            else not seen.wrong_chain,
            head=seen.head,
            block=cursor.block_number if cursor else None,
            lag_blocks=lag,
            lag_seconds=age if lag else lag,
            block_time=cursor.block_time if cursor else None,
            age_seconds=age,
            endpoints=list(seen.endpoints),
            verified=seen.verifies,
            own_endpoint=seen.is_own_endpoint,
        ),
        outbox=None if waiting is None else _outbox(waiting, now),
        lease=seen.lease,
        database=DatabaseOut(writable=not fault, free_disk_bytes=seen.free_disk_bytes),
        problems=list(_problems(status, seen, fault)),
        warnings=list(_warnings(seen, waiting, keys)),
    )


def _outbox(waiting: Backlog, now: datetime) -> OutboxOut:
    oldest = waiting.oldest_at
    age = (now - datetime.fromisoformat(oldest)).total_seconds() if oldest else 0
    return OutboxOut(
        waiting_events=waiting.waiting,
        fixed_batches=waiting.sealed,
        offered_batches=waiting.broadcast,
        stopped_batches=waiting.stopped,
        oldest_seconds=max(0, int(age)),
        dead_letters=waiting.dead_letters,
    )


def _problems(status: Status, seen: NodeHealth, database_fault: str) -> Iterator[TroubleOut]:
    if seen.wrong_chain:
        yield _trouble("wrong-chain", seen.wrong_chain, "Mend `rpc` in bank.toml")
    elif status == "unreachable":
        yield _trouble(
            "chain-unreachable",
            f"the chain endpoint {seen.endpoint} does not answer",
            "Start the chain node, or name another in `rpc`; what was accepted waits",
        )
    elif status == "stalled":
        yield _trouble(
            "chain-stalled",
            "the chain answers and makes no blocks; what was accepted or signed waits",
            "See that more than two thirds of the validators run; it goes on by itself then",
        )
    elif status == "behind":
        yield _trouble(
            "read-model-behind",
            f"blocks of the chain cannot be read: {seen.index_fault}"
            if seen.index_fault
            else "the read model does not hold the chain's newest blocks yet",
            "It catches up by itself; if it does not, the node's log says why",
        )
    if status == "starting" and not database_fault:
        yield _trouble(
            "starting",
            "no block of the chain has been read yet",
            "Wait; if it stays so, the node's log says why",
        )
    if database_fault:
        yield _trouble(
            "database",
            f"the database cannot be used: {database_fault}",
            "See that the server or the disk is there and may be written to; `tally doctor`",
        )
    if seen.disk_is_low:
        yield _trouble(
            "disk-low",
            f"{(seen.free_disk_bytes or 0) // 1024**2:,} MB are free on the disk",
            "Free space, or lower `min_free_disk_mb` in bank.toml",
        )
    if seen.posting_conflict:
        yield _trouble(
            "posting-stopped",
            seen.posting_conflict,
            "`tally doctor` tells what to do; docs/runbook.md, 'Backup and restore'",
        )
    if seen.lease == "elsewhere":
        yield _trouble(
            "lease-elsewhere",
            "another process posts for this bank",
            "Let one node alone run on this database",
        )


def _warnings(
    seen: NodeHealth, waiting: Backlog | None, keys: list[Proposal]
) -> Iterator[TroubleOut]:
    for one in seen.endpoints:
        if one.state == "refused":
            yield _trouble(
                "endpoint-refused",
                f"{one.url}: {one.why}",
                "Find out whose endpoint it is and why it lies; take it out of `rpc`",
            )
    if not seen.verifies and not seen.is_own_endpoint:
        yield _trouble(
            "endpoint-unverified",
            f"the figures are those of {seen.endpoint}, which is not this bank's own endpoint, "
            "and cannot be checked: nobody seals this chain's blocks",
            "Start this bank's own chain node, the first in `rpc`",
        )
    if seen.inbox_trouble:
        yield _trouble(
            "inbox",
            seen.inbox_trouble,
            "Mount or make it for the node's user, or mend `inbox` in bank.toml; `tally doctor`",
        )
    for why in seen.facilities_stopped:
        yield _trouble("facility-stopped", why, "Mend the cause, then `tally dead-letters replay`")
    if waiting is not None and waiting.dead_letters:
        yield _trouble(
            "dead-letters",
            f"{waiting.dead_letters:,} accepted events could not be posted",
            "`tally dead-letters list` says why, `replay` tries them again",
        )
    for key in keys:
        yield _trouble(
            "key-replacement",
            f"the others would give {key.subject} another "
            f"{key.asked.get('purpose', 'unreadable')} key from "
            f"{key.due_at:%Y-%m-%d %H:%M} UTC on (proposal {key.number})",
            f"`tally consortium show {key.number}`; {key.subject} itself can object with "
            f"`tally consortium object {key.number}`",
        )


def _trouble(name: TroubleName, detail: str, remedy: str) -> TroubleOut:
    return TroubleOut(name=name, detail=detail, remedy=remedy)
