"""Alerts: listed, acknowledged, snoozed. People act with their session."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlalchemy import Connection

from app.alerts.kinds import AlertKind
from app.alerts.store import (
    Alert,
    Status,
    acknowledge,
    listed_alerts,
    logs_of,
    one_alert,
    snooze,
)
from app.api.bodies import body, takes
from app.api.etags import alerts, tagged, view
from app.api.reading import Facility, Paging, reading
from app.api.security import READ, WORK
from app.domain.errors import UsageFault
from app.http.acting import writing
from app.http.parameters import Number
from app.http.problems import Problem
from app.people.person import Person
from app.presentation.alerts import AcknowledgeIn, AlertOut, SnoozeIn, alert_out
from app.presentation.common import PageOut

RAISED = tagged(view, alerts)

router = APIRouter(prefix="/v1", tags=["alerts"])

AlertNumber = Annotated[Number, Path(description="An alert's number.")]
Worker = Annotated[Person, WORK]


@router.get("/alerts", dependencies=[READ, RAISED], summary="Alerts")
def list_alerts(
    request: Request,
    page: Paging,
    status: Status = "all",
    kind: AlertKind | None = None,
    facility: Facility = None,
) -> PageOut[AlertOut]:
    """One for each kind and subject, the newest first; `open` while the cause is there."""
    with reading(request) as connection:
        found = listed_alerts(
            connection,
            status=status,
            kind=kind,
            facility=facility,
            before=page.before,
            limit=page.limit + 1,
        )
        shown, following = page.cut(found)
        logs = logs_of(connection, [one.number for one in shown])
        return page.out(connection, (alert_out(one, logs[one.number]) for one in shown), following)


@router.get("/alerts/{number}", dependencies=[READ, RAISED], summary="One alert")
def show_alert(request: Request, number: AlertNumber) -> AlertOut:
    """With what became of it."""
    with reading(request) as connection:
        return _shown(connection, _known(connection, number))


@router.post("/alerts/{number}:acknowledge", summary="Acknowledge an alert", **takes(AcknowledgeIn))
def acknowledge_alert(
    request: Request,
    number: AlertNumber,
    person: Worker,
    asked: Annotated[AcknowledgeIn, body(AcknowledgeIn)],
) -> AlertOut:
    """Somebody looks after it: it is not escalated."""
    with writing(request, person) as connection:
        _known(connection, number)
        return _shown(connection, acknowledge(connection, number, asked.note))


@router.post("/alerts/{number}:snooze", summary="Snooze an alert", **takes(SnoozeIn))
def snooze_alert(
    request: Request,
    number: AlertNumber,
    person: Worker,
    asked: Annotated[SnoozeIn, body(SnoozeIn)],
) -> AlertOut:
    """It is quiet for so long; then, if the cause is still there, it is told again."""
    with writing(request, person) as connection:
        _known(connection, number)
        return _shown(connection, snooze(connection, number, asked.minutes, asked.note))


def _known(connection: Connection, number: int) -> Alert:
    try:
        return one_alert(connection, number)
    except UsageFault as fault:
        raise Problem(404, "unknown-alert", str(fault)) from None


def _shown(connection: Connection, alert: Alert) -> AlertOut:
    return alert_out(alert, logs_of(connection, [alert.number])[alert.number])
