"""Webhooks: endpoints, and what became of each event there."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app.presentation.common import Model
from app.webhooks.deliveries import DeliveryState
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
