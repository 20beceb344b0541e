"""Probes."""

from fastapi import APIRouter, Request

from app.api.security import KEY_OPTIONAL, PROBE
from app.http.health import health_of
from app.http.problems import not_ready
from app.http.state import context_of
from app.presentation.health import HealthOut, NotReadyOut

router = APIRouter(tags=["health"])


@router.get(
    "/health",
    summary="Liveness, and everything that this node knows of itself",
    dependencies=[PROBE],
    openapi_extra=KEY_OPTIONAL,
)
def health(request: Request) -> HealthOut:
    """200 as long as this process answers, whatever is the matter with the database or the chain:
    starting it anew would mend neither. What is the matter stands in `problems` and `warnings`."""
    return health_of(context_of(request))


@router.get(
    "/ready",
    summary="Readiness: 503 with the list of problems while this node cannot do its work",
    dependencies=[PROBE],
    openapi_extra=KEY_OPTIONAL,
    responses={
        503: {"model": NotReadyOut, "description": "What keeps it from its work, and what to do"}
    },
)
def ready(request: Request) -> HealthOut:
    """200 while this node shows the chain as it is and posts what it is given. Warnings (a dead
    letter, one facility that has stopped) do not make it unready: the rest goes on.

    Events can be pushed while it is unready, as long as the database takes them: they wait here.
    """
    found = health_of(context_of(request))
    if found.problems:
        raise not_ready([trouble.model_dump() for trouble in found.problems])
    return found
