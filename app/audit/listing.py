"""Reading the audit trail, page by page."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.audit.tables import audit_trail


@dataclass(frozen=True, slots=True)
class Recorded:
    """One row. `at` is ISO 8601, UTC; `hash` as hex."""

    number: int
    at: str
    actor: str
    act: str
    subject: str
    outcome: str
    address: str
    details: dict[str, Any]
    hash: str


def recorded(
    connection: Connection, *, actor: str | None = None, before: int | None = None, limit: int
) -> list[Recorded]:
    """The newest rows, of one actor where one is given, below the row `before`."""
    asked = select(audit_trail).order_by(audit_trail.c.number.desc()).limit(limit)
    if actor is not None:
        asked = asked.where(audit_trail.c.actor == actor)
    if before is not None:
        asked = asked.where(audit_trail.c.number < before)
    return [
        Recorded(
            row.number,
            row.at,
            row.actor,
            row.act,
            row.subject,
            row.outcome,
            row.address,
            json.loads(row.details),
            row.hash.hex(),
        )
        for row in connection.execute(asked)
    ]
