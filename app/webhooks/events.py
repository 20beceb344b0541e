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


def emit(connection: Connection, type_: str, *happened: Mapping[str, Any]) -> None:
    """Accept events for every endpoint that takes their type, in the transaction of what happened.
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
    if not takers or not happened:
        return
    at = stamp(now())
    events = [
        {
            "id": f"msg_{secrets.token_hex(16)}",
            "type": type_,
            "payload": json.dumps(
                {"type": type_, "timestamp": at, "data": dict(data)},
                separators=(",", ":"),
                ensure_ascii=False,
            ),
            "at": at,
        }
        for data in happened
    ]
    connection.execute(insert(webhook_events), events)
    # SQLite gives back the numbers of many rows by one statement for each.
    kept = select(webhook_events.c.number).where(
        webhook_events.c.id.in_([one["id"] for one in events])
    )
    numbers = connection.execute(kept.order_by(webhook_events.c.number)).scalars().all()
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
            for number in numbers
            for one in takers
        ],
    )
