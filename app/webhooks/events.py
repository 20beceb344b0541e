"""What webhooks are sent: each event once, the same bytes to every endpoint that takes its type."""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Literal, get_args

from sqlalchemy import Connection, insert, select

from app.db.clock import now, stamp
from app.webhooks.tables import webhook_deliveries, webhook_endpoints, webhook_events

EventType = Literal[
    "alert.raised", "alert.ended", "break.opened", "break.resolved", "day.closed", "batch.stopped"
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


def emit(connection: Connection, type_: str, data: Mapping[str, Any]) -> None:
    """Accept an event for every endpoint that takes its type, in the transaction of what happened.
    Nothing is kept where none does."""
    takers = [
        row.id
        for row in connection.execute(
            select(webhook_endpoints.c.id, webhook_endpoints.c.events).where(
                webhook_endpoints.c.removed_at.is_(None)
            )
        )
        if type_ in json.loads(row.events)
    ]
    if not takers:
        return
    at = stamp(now())
    payload = json.dumps(
        {"type": type_, "timestamp": at, "data": dict(data)},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    number = connection.execute(
        insert(webhook_events)
        .values(id=f"msg_{secrets.token_hex(16)}", type=type_, payload=payload, at=at)
        .returning(webhook_events.c.number)
    ).scalar_one()
    connection.execute(
        insert(webhook_deliveries),
        [
            {
                "endpoint": one,
                "event": number,
                "state": "waiting",
                "attempts": 0,
                "began_at": at,
                "next_at": at,
            }
            for one in takers
        ],
    )
