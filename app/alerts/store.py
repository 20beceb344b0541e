"""Alerts in the bank's database: what the judge changes, and what people do about them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, Update, func, insert, or_, select, update

from app.alerts.judge import (
    Change,
    Details,
    End,
    Escalate,
    OpenAlert,
    Raise,
    Refresh,
    Wake,
)
from app.alerts.kinds import CRITICAL, AlertKind
from app.alerts.tables import OPEN, alert_log, raised_alerts
from app.audit.actor import current_actor
from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.domain.errors import UsageFault

Status = Literal["open", "ended", "all"]
FLAPS_WITHIN = timedelta(minutes=5)
"""What ends and is there again within this time is one alert, and nobody is mailed of it."""
_LONGEST_SNOOZE = timedelta(days=7)
_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it stands. Times are ISO 8601, UTC; None where it did not happen."""

    number: int
    kind: AlertKind
    subject: str
    facility: str
    partner: str
    details: Details
    raised_at: str
    acknowledged_at: str | None
    acknowledged_by: str | None
    snoozed_until: str | None
    escalated_at: str | None
    ended_at: str | None

    @property
    def critical(self) -> bool:
        return self.kind in CRITICAL


@dataclass(frozen=True, slots=True)
class Logged:
    """What became of an alert: raised, acknowledged, snoozed, woken, escalated or ended. `by` is
    None where nobody did it."""

    change: str
    by: str | None
    note: str
    at: str


@dataclass(frozen=True, slots=True)
class Notification:
    """A change that people and systems are notified of: raised, woken, escalated, ended, or back
    (raised again, FLAPS_WITHIN its end)."""

    log_id: int
    change: str
    alert: Alert


def open_alerts(connection: Connection) -> list[OpenAlert]:
    """Those that have not ended."""
    return [
        OpenAlert(
            row.number,
            AlertKind(row.kind),
            row.subject,
            json.loads(row.details),
            datetime.fromisoformat(row.raised_at),
            row.acknowledged_at is not None,
            None if row.snoozed_until is None else datetime.fromisoformat(row.snoozed_until),
            row.escalated_at is not None,
        )
        for row in connection.execute(select(raised_alerts).where(OPEN))
    ]


def apply(connection: Connection, changes: Iterable[Change], at: datetime) -> list[Notification]:
    """Write what the judge has found; returns what people and systems are notified of."""
    notifications = []
    for change in changes:
        if isinstance(change, Refresh):
            _change(connection, change.number, details=_json(change.details))
            continue
        number, name = _write(connection, change, at)
        logged = "raised" if name == "back" else name
        log_id = _log(connection, number, logged, None, "", stamp(at))
        notifications.append(Notification(log_id, name, one_alert(connection, number)))
    return notifications


def acknowledge(connection: Connection, number: int, note: str = "") -> Alert:
    """Somebody looks after it: it is not escalated, and counts no more beside the bell. Raises
    UsageFault."""
    by, at = current_actor.get(), stamp(now())
    _act(connection, number, "acknowledged", note, acknowledged_at=at, acknowledged_by=by)
    return one_alert(connection, number)


def snooze(connection: Connection, number: int, minutes: int, note: str = "") -> Alert:
    """It is quiet for so long; then, if the cause is still there, it is notified again. Raises
    UsageFault."""
    if not 0 < minutes <= _LONGEST_SNOOZE // timedelta(minutes=1):
        raise UsageFault(f"an alert is snoozed for 1 minute to {_LONGEST_SNOOZE.days} days")
    until = stamp(now() + timedelta(minutes=minutes))
    _act(connection, number, "snoozed", note, snoozed_until=until)
    return one_alert(connection, number)


def one_alert(connection: Connection, number: int) -> Alert:
    """Raises UsageFault where there is none of that number."""
    row = connection.execute(
        select(raised_alerts).where(raised_alerts.c.number == number)
    ).one_or_none()
    if row is None:
        raise UsageFault(f"there is no alert {number}", remedy="See the list of alerts")
    return _alert(row)


def listed_alerts(
    connection: Connection,
    *,
    status: Status = "all",
    kind: AlertKind | None = None,
    facility: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[Alert]:
    """The newest first."""
    a = raised_alerts.c
    query = select(raised_alerts).order_by(a.number.desc()).limit(limit)
    if status == "open":
        query = query.where(OPEN)
    elif status == "ended":
        query = query.where(a.ended_at.is_not(None))
    if kind is not None:
        query = query.where(a.kind == kind.value)
    if facility is not None:
        query = query.where(a.facility == facility)
    if before is not None:
        query = query.where(a.number < before)
    return [_alert(row) for row in connection.execute(query)]


def logs_of(connection: Connection, numbers: Sequence[int]) -> Mapping[int, list[Logged]]:
    """What became of each of these alerts, oldest first."""
    found: dict[int, list[Logged]] = {number: [] for number in numbers}
    rows = connection.execute(
        select(alert_log).where(alert_log.c.alert.in_(numbers)).order_by(alert_log.c.id)
    )
    for row in rows:
        found[row.alert].append(Logged(row.change, row.by, row.note, row.at))
    return found


def count_waiting(connection: Connection) -> int:
    """The open alerts that nobody has acknowledged or snoozed."""
    a = raised_alerts.c
    query = select(func.count()).where(
        OPEN,
        a.acknowledged_at.is_(None),
        or_(a.snoozed_until.is_(None), a.snoozed_until <= stamp(now())),
    )
    return int(connection.execute(query).scalar_one())


def newest_change(connection: Connection) -> int:
    """Grows with everything that becomes of an alert."""
    newest = select(func.coalesce(func.max(alert_log.c.id), 0))
    return int(connection.execute(newest).scalar_one())


def _write(
    connection: Connection, change: Raise | Wake | Escalate | End, at: datetime
) -> tuple[int, str]:
    """The number of the alert, and what became of it."""
    if isinstance(change, Raise):
        cause = change.cause
        a = raised_alerts.c
        ended = connection.execute(
            select(a.number)
            .where(a.kind == cause.kind.value, a.subject == cause.subject)
            .where(a.ended_at > stamp(at - FLAPS_WITHIN))
        ).scalar()
        if ended is not None:
            _change(connection, ended, ended_at=None, details=_json(cause.details))
            return int(ended), "back"
        number = connection.execute(
            insert(raised_alerts)
            .values(
                kind=cause.kind.value,
                subject=cause.subject,
                facility=cause.facility,
                partner=cause.partner,
                details=_json(cause.details),
                raised_at=stamp(at),
            )
            .returning(raised_alerts.c.number)
        ).scalar_one()
        return int(number), "raised"
    if isinstance(change, Wake):
        _change(connection, change.number, snoozed_until=None)
        return change.number, "woken"
    if isinstance(change, Escalate):
        _change(connection, change.number, escalated_at=stamp(at))
        return change.number, "escalated"
    _change(connection, change.number, ended_at=stamp(at))
    return change.number, "ended"


def _act(connection: Connection, number: int, change: str, note: str, **values: Any) -> None:
    note = " ".join(note.split())
    if len(note) > _LONGEST_NOTE or not note.isprintable():
        raise UsageFault(f"a note has at most {_LONGEST_NOTE} characters, all of them printable")
    changed = connection.execute(_update(number).where(OPEN).values(**values))
    if changed.rowcount != 1:
        one_alert(connection, number)
        raise UsageFault(f"alert {number} has ended: nothing is left to do about it")
    by = current_actor.get()
    _log(connection, number, change, by, note, stamp(now()))
    append(connection, Entry(by, f"alert.{change}", str(number), details={"note": note}))


def _change(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(_update(number).values(**values))


def _update(number: int) -> Update:
    return update(raised_alerts).where(raised_alerts.c.number == number)


def _log(
    connection: Connection, number: int, change: str, by: str | None, note: str, at: str
) -> int:
    added = insert(alert_log).values(alert=number, change=change, by=by, note=note, at=at)
    return int(connection.execute(added.returning(alert_log.c.id)).scalar_one())


def _json(details: Details) -> str:
    return json.dumps(dict(details), sort_keys=True, ensure_ascii=False)


def _alert(row: Row[Any]) -> Alert:
    kind, details = AlertKind(row.kind), json.loads(row.details)
    return Alert(**{**row._mapping, "kind": kind, "details": details})
