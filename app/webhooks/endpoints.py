"""The endpoints that webhooks go to: registered, listed, removed; their secrets, rotated."""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.db.vault import vault_of
from app.domain.errors import UsageFault
from app.webhooks.address import check_url
from app.webhooks.events import EVENT_TYPES
from app.webhooks.signing import new_secret
from app.webhooks.tables import WAITING, webhook_deliveries, webhook_endpoints

MOST_ENDPOINTS = 16
_BOTH_SIGN = timedelta(days=1)
"""After a rotation the secret before signs too, for so long."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where webhooks go to. Times are ISO 8601, UTC."""

    id: str
    url: str
    events: Sequence[str]
    created_at: str
    removed_at: str | None


def register(
    connection: Connection, url: str, events: Collection[str], *, development: bool
) -> tuple[Endpoint, str]:
    """Add an endpoint that is sent these types from now on; returns it and its secret, which cannot
    be shown again. Raises UsageFault."""
    check_url(url, development=development)
    unknown = sorted(set(events) - set(EVENT_TYPES))
    if unknown or not events:
        raise UsageFault(
            f"there is no event {unknown[0][:40]!r}"
            if unknown
            else "an endpoint takes some events",
            remedy=f"Give some of {', '.join(EVENT_TYPES)}",
        )
    e = webhook_endpoints.c
    count = select(func.count()).where(e.removed_at.is_(None))
    if int(connection.execute(count).scalar_one()) >= MOST_ENDPOINTS:
        raise UsageFault(f"there are {MOST_ENDPOINTS} endpoints already", remedy="Remove one first")
    secret = new_secret()
    chosen = [one for one in EVENT_TYPES if one in events]
    id_ = secrets.token_hex(6)
    connection.execute(
        insert(webhook_endpoints).values(
            id=id_,
            url=url,
            events=json.dumps(chosen),
            secret=vault_of(connection).sealer()(secret.encode()),
            created_at=stamp(now()),
        )
    )
    _record(connection, "register", id_, url=url, events=chosen)
    return one_endpoint(connection, id_), secret


def rotate(connection: Connection, id_: str) -> tuple[Endpoint, str]:
    """Give an endpoint another secret, which is returned; for a day both sign. Raises
    UsageFault."""
    found = one_endpoint(connection, id_)
    if found.removed_at is not None:
        raise UsageFault("this endpoint is removed")
    secret = new_secret()
    e = webhook_endpoints.c
    connection.execute(
        update(webhook_endpoints)
        .where(e.id == id_)
        .values(
            secret=vault_of(connection).sealer()(secret.encode()),
            secret_before=e.secret,
            signs_until=stamp(now() + _BOTH_SIGN),
        )
    )
    _record(connection, "rotate", id_)
    return found, secret


def remove(connection: Connection, id_: str) -> None:
    """Send it nothing more; what waits for it is dead. Raises UsageFault."""
    if one_endpoint(connection, id_).removed_at is not None:
        raise UsageFault("this endpoint is removed already")
    e, d = webhook_endpoints.c, webhook_deliveries.c
    connection.execute(update(webhook_endpoints).where(e.id == id_).values(removed_at=stamp(now())))
    connection.execute(
        update(webhook_deliveries)
        .where(WAITING, d.endpoint == id_)
        .values(state="dead", fault="the endpoint was removed")
    )
    _record(connection, "remove", id_)


def one_endpoint(connection: Connection, id_: str) -> Endpoint:
    """Raises UsageFault."""
    row = connection.execute(
        select(webhook_endpoints).where(webhook_endpoints.c.id == id_)
    ).one_or_none()
    if row is None:
        raise UsageFault(
            f"there is no endpoint {id_[:12]!r}",
            remedy="`tally webhooks list` (GET /v1/webhooks) shows them",
        )
    return _endpoint(row)


def endpoints(connection: Connection) -> list[Endpoint]:
    """Those that take events, the oldest first."""
    e = webhook_endpoints.c
    query = select(webhook_endpoints).where(e.removed_at.is_(None)).order_by(e.created_at, e.id)
    return [_endpoint(row) for row in connection.execute(query)]


def secrets_of(connection: Connection, id_: str) -> list[str]:
    """The secrets that sign for an endpoint now, the one in use first."""
    row = connection.execute(select(webhook_endpoints).where(webhook_endpoints.c.id == id_)).one()
    vault = vault_of(connection)
    found = [vault.open(bytes(row.secret)).decode()]
    if row.secret_before is not None and row.signs_until > stamp(now()):
        found.append(vault.open(bytes(row.secret_before)).decode())
    return found


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(row.id, row.url, json.loads(row.events), row.created_at, row.removed_at)


def _record(connection: Connection, act: str, id_: str, **details: Any) -> None:
    append(connection, Entry(current_actor.get(), f"webhook.{act}", id_, details=details))
