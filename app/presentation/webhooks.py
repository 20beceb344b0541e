"""Webhooks: endpoints, and what became of each event there."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app.presentation.common import Model
from app.webhooks.deliveries import Delivery, DeliveryState
from app.webhooks.endpoints import Endpoint
from app.webhooks.events import EventType


class EndpointIn(Model):
    """Where webhooks are to go, and which."""

    url: str = Field(max_length=2_000, examples=["https://treasury.bank.example/hooks"])
    events: list[EventType] = Field(min_length=1, max_length=20)


class EndpointOut(Model):
    id: str
    url: str
    events: list[str]
    created_at: datetime


class EndpointsOut(Model):
    items: list[EndpointOut]


class NewEndpointOut(EndpointOut):
    secret: str = Field(description="`whsec_…`; in this answer and nowhere else.")


class DeliveryOut(Model):
    """An event on its way to an endpoint."""

    number: int
    endpoint: str
    event_id: str = Field(description="What the endpoint sees as `webhook-id`.")
    type: str
    data: dict[str, Any]
    state: DeliveryState = Field(description="`dead`: given up, until it is replayed.")
    attempts: int
    next_at: datetime = Field(description="Of one that waits: not before.")
    status: int | None = Field(description="The last answer's; null where there was none.")
    fault: str | None
    delivered_at: datetime | None


class ReplayedOut(Model):
    deliveries: int


def endpoint_out(endpoint: Endpoint) -> EndpointOut:
    return EndpointOut(**_fields(endpoint))


def new_endpoint_out(endpoint: Endpoint, secret: str) -> NewEndpointOut:
    return NewEndpointOut(**_fields(endpoint), secret=secret)


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "created_at": datetime.fromisoformat(endpoint.created_at),
    }


def delivery_out(one: Delivery) -> DeliveryOut:
    return DeliveryOut(
        number=one.number,
        endpoint=one.endpoint,
        event_id=one.event_id,
        type=one.type,
        data=one.data,
        state=one.state,
        attempts=one.attempts,
        next_at=datetime.fromisoformat(one.next_at),
        status=one.status,
        fault=one.fault,
        delivered_at=datetime.fromisoformat(one.delivered_at) if one.delivered_at else None,
    )
