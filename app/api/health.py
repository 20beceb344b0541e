"""Is this node alive, and how far behind the chain is it?"""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request

from app.api.context import ChainHealth, Context
from app.api.models import ChainOut, HealthOut, ProblemBody
from app.api.problems import unavailable
from app.readmodel import queries
from app.readmodel.results import Cursor

BEHIND_BLOCKS = 5
"""So many blocks may lie between the chain and the read model before a node counts as behind."""

Status = Literal["live", "behind", "stalled", "unreachable", "starting"]

router = APIRouter(tags=["health"])


def chain_status(cursor: Cursor | None, health: ChainHealth) -> Status:
    """How the chain stands, and this node to it."""
    if health.head is None:
        return "unreachable"
    if cursor is None:
        return "starting"
    if health.stalled:
        return "stalled"
    return "behind" if health.head - cursor.block_number > BEHIND_BLOCKS else "live"


@router.get("/health", summary="Liveness, and the chain as it stands")
def health(request: Request) -> HealthOut:
    """200 while this process and its database answer, whatever the chain does."""
    return _look(request)


@router.get(
    "/ready",
    summary="Readiness",
    responses={503: {"model": ProblemBody, "description": "The chain does not answer"}},
)
def ready(request: Request) -> HealthOut:
    """200 once this node shows the chain; 503 while the chain is away or nothing was read yet.

    Events can be pushed all the same: they wait here.
    """
    found = _look(request)
    if found.status in ("unreachable", "starting"):
        raise unavailable(
            "the chain does not answer"
            if found.status == "unreachable"
            else "no block of the chain has been read yet"
        )
    return found


def _look(request: Request) -> HealthOut:
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        cursor = queries.cursor(connection)
    seen = context.health()
    lag = age = None
    if cursor is not None:
        age = max(0, int((datetime.now(UTC) - cursor.block_time).total_seconds()))
        if seen.head is not None:
            lag = max(0, seen.head - cursor.block_number)
    return HealthOut(
        status=chain_status(cursor, seen),
        posting="stopped" if seen.posting_stopped else "running",
        bank=context.bank,
        role=context.role,
        chain=ChainOut(
            head=seen.head,
            block=cursor.block_number if cursor else None,
            lag_blocks=lag,
            block_time=cursor.block_time if cursor else None,
            age_seconds=age,
            endpoints=list(seen.endpoints),
        ),
    )
