"""Alerts, and what becomes of them."""

from datetime import datetime

from pydantic import Field

from app.alerts.kinds import AlertKind
from app.alerts.store import Alert, Logged
from app.alerts.texts import kind_title, sentence
from app.presentation.common import Model


class AlertChangeOut(Model):
    """What became of an alert."""

    change: str = Field(description="raised, acknowledged, snoozed, woken, escalated or ended")
    by: str | None = Field(description="Null where nobody did it.")
    note: str
    at: datetime


class AlertOut(Model):
    """An alert: one for each kind and subject, until its cause is gone."""

    number: int
    kind: AlertKind
    title: str = Field(examples=["Low balance"])
    text: str = Field(examples=["The balance is 10.00 CNY, below the threshold of 50.00."])
    critical: bool
    subject: str = Field(examples=["WLD-2016-A/huarui"])
    facility: str | None
    partner: str | None
    details: dict[str, str | int] = Field(description="The figures of `text`, by name.")
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    escalated_at: datetime | None
    ended_at: datetime | None = Field(description="Null while the cause is there.")
    changes: list[AlertChangeOut] = Field(description="Oldest first.")


class AcknowledgeIn(Model):
    """Somebody looks after it."""

    note: str = Field("", max_length=500)


class SnoozeIn(Model):
    """It is to be quiet for so long."""

    minutes: int = Field(ge=1, le=7 * 24 * 60)
    note: str = Field("", max_length=500)


def alert_out(alert: Alert, changes: list[Logged]) -> AlertOut:
    return AlertOut.of(
        alert,
        title=kind_title(alert.kind),
        text=sentence(alert.kind, alert.details),
        facility=alert.facility or None,
        partner=alert.partner or None,
        changes=changes,
    )
