"""Looking after the alerts: facts are read, judged, and what changed is written and notified."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, delete, insert, select

from app.alerts.facts import chain_facts, last_feeds
from app.alerts.judge import ChainFacts, NodeFacts, judge
from app.alerts.mails import queue_mails
from app.alerts.rules import rules
from app.alerts.store import Notification, apply, open_alerts
from app.alerts.tables import alert_watch
from app.readmodel.accounts.forecasts import ProjectedShortfall, projected_shortfalls
from app.readmodel.chain import position
from app.webhooks.events import emit

_LOOK_ANYWAY_S = 10.0
"""Without news, the facts are read so often: what time alone changes may be late by so much."""
_FORECAST_EVERY_S = 60.0
_BLOCKS_BETWEEN_NOTES = 20


class AlertWatch:
    """The alerts of one bank, as its node looks after them."""

    def __init__(
        self,
        engine: Engine,
        bank: str,
        is_behind: Callable[[], bool],
        known: Callable[[Connection], NodeFacts],
        news: Callable[[], object],
    ) -> None:
        """`is_behind`: whether blocks are missing in the read model. `known` has what the node
        knows of itself, without `feeds`. `news` is another value than before once anything but
        time may have changed the facts."""
        self._engine = engine
        self._bank = bank
        self._is_behind = is_behind
        self._known = known
        self._news = news
        self._projected: Sequence[ProjectedShortfall] = ()
        self._forecast_at: float | None = None
        self._looked: tuple[object, float] | None = None

    def look(self) -> None:
        """Judge the facts as they are now; nothing is done where nothing can have changed."""
        now, at = datetime.now(UTC), time.monotonic()
        news = self._news()  # before the facts, which may be newer
        if self._looked is not None:
            news_before, looked_at = self._looked
            if news == news_before and at - looked_at < _LOOK_ANYWAY_S:
                return
        with self._engine.connect() as connection:
            read = position(connection)
            block = read.block_number if read else -1
            noted = connection.execute(select(alert_watch.c.block_number)).scalar_one_or_none()
            # A view that is made anew, or that waits for its newest blocks, says nothing of now.
            is_whole = block >= (noted or 0) and not self._is_behind()
            chain = chain_facts(connection, self._forecast(connection, now)) if is_whole else None
            node = self._node(connection)
            found = judge(chain, node, rules(connection), open_alerts(connection), now)
        note = chain is not None and block >= (noted or 0) + _BLOCKS_BETWEEN_NOTES
        if found or note:
            self._write(chain, node, now, block)
        self._looked = news, at

    def _forecast(self, connection: Connection, now: datetime) -> Sequence[ProjectedShortfall]:
        at = time.monotonic()
        if self._forecast_at is None or at - self._forecast_at > _FORECAST_EVERY_S:
            self._projected = projected_shortfalls(connection, now)
            self._forecast_at = at
        return self._projected

    def _node(self, connection: Connection) -> NodeFacts:
        return replace(self._known(connection), feeds=last_feeds(connection, self._bank))

    def _write(self, chain: ChainFacts | None, node: NodeFacts, now: datetime, block: int) -> None:
        with self._engine.begin() as connection:
            # Judged again: somebody may have changed a rule or acknowledged an alert since.
            current = rules(connection)
            changes = judge(chain, node, current, open_alerts(connection), now)
            notifications = apply(connection, changes, now)
            queue_mails(connection, notifications, current, now)
            for one in notifications:
                _emit(connection, one)
            if chain is not None:
                connection.execute(delete(alert_watch))
                connection.execute(insert(alert_watch).values(id=1, block_number=block))


def _emit(connection: Connection, one: Notification) -> None:
    if one.change in ("raised", "back"):
        emit(connection, "alert.raised", _event(one))
    elif one.change == "ended":
        emit(connection, "alert.ended", _event(one))


def _event(one: Notification) -> dict[str, object]:
    """What webhooks say of an alert."""
    alert = one.alert
    return {
        "alert": alert.number,
        "kind": alert.kind.value,
        "severity": "critical" if alert.critical else "warning",
        "subject": alert.subject,
        "facility": alert.facility or None,
        "partner": alert.partner or None,
        "details": dict(alert.details),
        "raised_at": alert.raised_at,
        "ended_at": alert.ended_at,
    }
