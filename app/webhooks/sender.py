"""Delivering: each endpoint has a thread of its own, so that none waits for another one."""

import threading
import time
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine

from app.domain.errors import StorageFault
from app.webhooks.deliveries import due_deliveries, due_endpoints, note
from app.webhooks.endpoints import secrets_of
from app.webhooks.sending import Rules, post
from app.webhooks.signing import signature

_AT_A_TIME = 100
_PAUSE_S = 15.0
"""How long an endpoint that did not answer is left alone."""

_log = structlog.get_logger()


class WebhookSender:
    """Sends what is due, until `stop`."""

    def __init__(self, engine: Engine, rules: Rules) -> None:
        self._engine = engine
        self._rules = rules
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._paused: dict[str, float] = {}
        self._stopping = threading.Event()

    def look(self) -> None:
        """Begin to send to each endpoint for which something is due."""
        with self._engine.connect() as connection:
            due = due_endpoints(connection, datetime.now(UTC))
        for endpoint in due:
            with self._lock:
                paused = self._paused.get(endpoint, 0.0) > time.monotonic()
                if paused or endpoint in self._busy or self._stopping.is_set():
                    continue
                self._busy.add(endpoint)
            threading.Thread(target=self._deliver, args=(endpoint,), daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more; what is being sent and not noted is sent again by a later node."""
        self._stopping.set()

    def _deliver(self, endpoint: str) -> None:
        try:
            self._send_due(endpoint)
        except StorageFault as fault:
            _log.warning("webhooks wait", endpoint=endpoint, why=str(fault))
        finally:
            with self._lock:
                self._busy.discard(endpoint)

    def _send_due(self, endpoint: str) -> None:
        with self._engine.connect() as connection:
            due = due_deliveries(connection, endpoint, datetime.now(UTC), _AT_A_TIME)
            keys = secrets_of(connection, endpoint) if due else []
        for delivery in due:
            if self._stopping.is_set():
                return
            payload = delivery.payload.encode()
            at = datetime.now(UTC)
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "tallystick",
                "webhook-id": delivery.event_id,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signature(
                    keys, delivery.event_id, int(at.timestamp()), payload
                ),
            }
            answer = post(delivery.url, headers, payload, self._rules)
            with self._engine.begin() as connection:
                note(connection, delivery, answer, datetime.now(UTC))
            if answer.fault:
                _log.warning("webhook not taken", endpoint=endpoint, why=answer.fault)
            if answer.status is None:
                self._paused[endpoint] = time.monotonic() + _PAUSE_S
                return
