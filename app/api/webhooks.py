"""Webhooks: endpoints registered, rotated, removed; deliveries listed and replayed."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlalchemy import Connection

from app.api.bodies import body, takes
from app.api.etags import BY_BODY, RECORDED, TaggedByBody
from app.api.reading import Paging, reading
from app.api.responses import WITH_BODY
from app.api.security import ADMIN, ADMINISTERED, Administering
from app.domain.errors import UsageFault
from app.http.acting import writing
from app.http.keys import Key
from app.http.parameters import Number
from app.http.problems import Problem
from app.http.state import context_of
from app.presentation.common import PageOut
from app.presentation.webhooks import (
    DeliveryOut,
    EndpointIn,
    EndpointOut,
    EndpointsOut,
    NewEndpointOut,
    ReplayedOut,
)
from app.webhooks.deliveries import DeliveryState, listed_deliveries, replay
from app.webhooks.endpoints import endpoints, one_endpoint, register, remove, rotate

_MOST_BYTES = 8 * 1024

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=TaggedByBody)

AdminKey = Annotated[Key, ADMIN]
"""People change endpoints on the page, with their second factor."""
EndpointId = Annotated[str, Path(max_length=12, pattern="^[0-9a-f]{12}$")]


@router.get("", dependencies=[ADMINISTERED, RECORDED], summary="Webhook endpoints")
def list_endpoints(request: Request) -> EndpointsOut:
    """Those that take events, the oldest first; never their secrets."""
    with reading(request) as connection:
        return EndpointsOut(items=[EndpointOut.of(one) for one in endpoints(connection)])


@router.post("", status_code=201, summary="Register an endpoint", **takes(EndpointIn))
def register_endpoint(
    request: Request, by: AdminKey, asked: Annotated[EndpointIn, body(EndpointIn, _MOST_BYTES)]
) -> NewEndpointOut:
    """It is sent what happens from now on. Its secret is in this answer and nowhere else."""
    development = context_of(request).development
    with writing(request, by) as connection:
        made, secret = register(connection, asked.url, asked.events, development=development)
    return NewEndpointOut.of(made, secret=secret)


@router.post("/{endpoint}:rotate", summary="Rotate an endpoint's secret", responses=WITH_BODY)
def rotate_secret(request: Request, by: AdminKey, endpoint: EndpointId) -> NewEndpointOut:
    """The new secret is in this answer and nowhere else. For a day both sign."""
    with writing(request, by) as connection:
        _known(connection, endpoint)
        found, secret = rotate(connection, endpoint)
    return NewEndpointOut.of(found, secret=secret)


@router.delete("/{endpoint}", status_code=204, summary="Remove an endpoint")
def remove_endpoint(request: Request, by: AdminKey, endpoint: EndpointId) -> None:
    """It is sent nothing more."""
    with writing(request, by) as connection:
        _known(connection, endpoint)
        remove(connection, endpoint)


@router.get("/deliveries", dependencies=[BY_BODY], summary="Deliveries")
def list_deliveries(
    request: Request,
    by: Administering,
    page: Paging,
    endpoint: str | None = None,
    state: DeliveryState | None = None,
) -> PageOut[DeliveryOut]:
    """What became of each event at each endpoint, the newest first."""
    with reading(request) as connection:
        found = listed_deliveries(
            connection, endpoint=endpoint, state=state, before=page.before, limit=page.limit + 1
        )
        shown, following = page.cut(found)
        return page.out(connection, (DeliveryOut.of(one) for one in shown), following)


@router.post("/deliveries/{number}:replay", summary="Send an event again", responses=WITH_BODY)
def replay_delivery(
    request: Request, by: Administering, number: Annotated[Number, Path()]
) -> ReplayedOut:
    """One that is dead or was delivered, with the same id and content."""
    with writing(request, by) as connection:
        return ReplayedOut(deliveries=replay(connection, number))


@router.post(
    "/{endpoint}:replay",
    summary="Send an endpoint's dead deliveries again",
    responses=WITH_BODY,
)
def replay_dead(request: Request, by: Administering, endpoint: EndpointId) -> ReplayedOut:
    """All of them, with the ids and contents that they had."""
    with writing(request, by) as connection:
        _known(connection, endpoint)
        return ReplayedOut(deliveries=replay(connection, endpoint=endpoint))


def _known(connection: Connection, endpoint: str) -> None:
    try:
        one_endpoint(connection, endpoint)
    except UsageFault as fault:
        raise Problem(404, "unknown-endpoint", str(fault)) from None
