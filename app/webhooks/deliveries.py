"""What became of each event at each endpoint: listed, and what is dead sent again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, select, update

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.webhooks.sending import Answer
from app.webhooks.tables import WAITING, webhook_deliveries, webhook_endpoints, webhook_events

DeliveryState = Literal["waiting", "delivered", "dead"]
DEAD_AFTER = timedelta(days=3)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5, 6 * 3600
_GONE = 410
"""By the convention: the endpoint wants nothing more of it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to an endpoint. `event_id` is what the endpoint sees as `webhook-id`,
    `status` the last answer's. Times are ISO 8601, UTC."""

    number: int
    endpoint: str
    url: str
    event_id: str
    type: str
    payload: str
    state: DeliveryState
    attempts: int
    began_at: str
    next_at: str
    status: int | None
    fault: str | None
    delivered_at: str | None

    @property
    def data(self) -> dict[str, Any]:
        """What the event says."""
        found: dict[str, Any] = json.loads(self.payload)["data"]
        return found


def listed_deliveries(
    connection: Connection,
    *,
    endpoint: str | None = None,
    state: DeliveryState | None = None,
    before: int | None = None,
    limit: int,
) -> list[Delivery]:
    """The newest first."""
    d = webhook_deliveries.c
    query = _deliveries().order_by(d.number.desc()).limit(limit)
    if endpoint is not None:
        query = query.where(d.endpoint == endpoint)
    if state is not None:
        query = query.where(d.state == state)
    if before is not None:
        query = query.where(d.number < before)
    return [_delivery(row) for row in connection.execute(query)]


def due_endpoints(connection: Connection, at: datetime) -> Sequence[str]:
    """The endpoints for which something is due."""
    d = webhook_deliveries.c
    query = select(d.endpoint).where(WAITING, d.next_at <= stamp(at)).distinct()
    return list(connection.execute(query).scalars())


def due_deliveries(
    connection: Connection, endpoint: str, at: datetime, limit: int
) -> list[Delivery]:
    """What is due at an endpoint, oldest first."""
    d = webhook_deliveries.c
    query = _deliveries().where(WAITING, d.endpoint == endpoint, d.next_at <= stamp(at))
    return [_delivery(row) for row in connection.execute(query.order_by(d.number).limit(limit))]


def note(connection: Connection, delivery: Delivery, answer: Answer, at: datetime) -> None:
    """What came of an attempt: taken; or tried again later, after 5 seconds, 20, 80, ... up to six
    hours, each with a fifth more or less; or dead after three days, or at once where the endpoint
    answers 410 (gone)."""
    d = webhook_deliveries.c
    values: dict[str, Any] = {"attempts": delivery.attempts + 1, "status": answer.status}
    if not answer.fault:
        values |= {"state": "delivered", "delivered_at": stamp(at), "fault": None}
    else:
        wait = min(_FIRST_WAIT_S * 4 ** min(delivery.attempts, 10), _LONGEST_WAIT_S)
        is_dead = (
            answer.status == _GONE or at - datetime.fromisoformat(delivery.began_at) > DEAD_AFTER
        )
        values |= {
            "state": "dead" if is_dead else "waiting",
            "fault": answer.fault[:500],
            "next_at": stamp(at + timedelta(seconds=wait * uniform(0.8, 1.2))),
        }
    # Removed or replayed meanwhile: the newer word stands.
    connection.execute(
        update(webhook_deliveries)
        .where(d.number == delivery.number, WAITING, d.began_at == delivery.began_at)
        .values(**values)
    )


def replay(connection: Connection, number: int | None = None, endpoint: str | None = None) -> int:
    """Send again what is dead or was delivered, under the id that it had: one delivery by its
    number, or all dead ones of an endpoint; returns how many. Raises UsageFault."""
    if (number is None) == (endpoint is None):
        raise UsageFault("name one delivery, or the endpoint whose dead deliveries are meant")
    d, e = webhook_deliveries.c, webhook_endpoints.c
    taking = select(e.id).where(e.removed_at.is_(None))
    chosen = update(webhook_deliveries).where(d.endpoint.in_(taking))
    if number is not None:
        chosen = chosen.where(d.number == number, d.state != "waiting")
    else:
        chosen = chosen.where(d.endpoint == endpoint, d.state == "dead")
    at = stamp(now())
    replayed = connection.execute(
        chosen.values(
            state="waiting", attempts=0, began_at=at, next_at=at, fault=None, delivered_at=None
        )
    ).rowcount
    if number is not None and not replayed:
        raise UsageFault(
            f"delivery {number} cannot be sent again",
            remedy="There is none, it waits already, or its endpoint is removed",
        )
    subject = f"delivery {number}" if endpoint is None else endpoint
    details = {"deliveries": replayed}
    append(connection, Entry(current_actor.get(), "webhook.replay", subject, details=details))
    return replayed


def _deliveries() -> Select[Any]:
    d, e, v = webhook_deliveries.c, webhook_endpoints.c, webhook_events.c
    return (
        select(
            d.number,
            d.endpoint,
            e.url,
            v.id.label("event_id"),
            v.type,
            v.payload,
            d.state,
            d.attempts,
            d.began_at,
            d.next_at,
            d.status,
            d.fault,
            d.delivered_at,
        )
        .join(webhook_endpoints, e.id == d.endpoint)
        .join(webhook_events, v.number == d.event)
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**row._mapping)
