"""What stands around the reserve accounts: holds, alerts, statements, closed days."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection

from app.api.context import Context
from app.api.problems import Problem
from app.api.security import READ
from app.presentation.models import AlertsOut, DayCloseOut, DayClosesOut, HoldsOut, StatementsOut
from app.presentation.reserve_shapes import alert_out, day_close_out, hold_out, statement_out
from app.presentation.shapes import as_of, money_of
from app.readmodel import reserves
from app.readmodel.directory import directory
from app.readmodel.sums import movements

router = APIRouter(prefix="/v1", tags=["reserves"], dependencies=[READ])

Facility = Annotated[str | None, Query(description="A facility's id")]
Partner = Annotated[str | None, Query(description="A partner's name")]
Limit = Annotated[int, Query(ge=1, le=1_000)]


@contextmanager
def _reading(request: Request) -> Iterator[Connection]:
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        yield connection


@router.get("/holds", summary="Holds")
def list_holds(
    request: Request,
    facility: Facility = None,
    partner: Partner = None,
    state: Literal["active", "released", "posted"] | None = None,
    limit: Limit = 100,
) -> HoldsOut:
    """What the lead set aside for drawdowns, the newest first."""
    with _reading(request) as connection:
        money = money_of(connection)
        found = reserves.holds(connection, facility, partner, state, limit)
        return HoldsOut(items=[hold_out(one, money) for one in found], as_of=as_of(connection))


@router.get("/alerts", summary="Low balances and shortfalls")
def list_alerts(
    request: Request, facility: Facility = None, partner: Partner = None, limit: Limit = 100
) -> AlertsOut:
    """When a balance (the smaller book) passed its threshold or zero, the newest first."""
    with _reading(request) as connection:
        money = money_of(connection)
        found = reserves.alerts(connection, facility, partner, limit)
        return AlertsOut(items=[alert_out(one, money) for one in found], as_of=as_of(connection))


@router.get("/statements", summary="Opening, movements by kind, and closing of a period")
def list_statements(
    request: Request,
    facility: Annotated[str, Query(description="A facility's id", examples=["WLD-2016-A"])],
    first: Annotated[date, Query(alias="from", description="First business date, included")],
    last: Annotated[date, Query(alias="to", description="Last business date, included")],
    partner: Partner = None,
) -> StatementsOut:
    """Each reserve account of a facility between two business dates, in the three books."""
    if last < first:
        raise Problem(422, "invalid-request", f"to: {last} is before {first}")
    with _reading(request) as connection:
        known = directory(connection).facility(facility)
        if known is None:
            raise Problem(404, "unknown-facility", f"facility {facility} is not on this chain")
        money = money_of(connection)
        return StatementsOut(
            items=[
                statement_out(one, facility, money)
                for one in movements(connection, known, first, last)
                if partner in (None, one.partner)
            ],
            as_of=as_of(connection),
        )


@router.get("/day-closes", summary="Closed days")
def list_day_closes(
    request: Request,
    facility: Facility = None,
    partner: Partner = None,
    state: Literal["proposed", "replaced", "withdrawn", "disputed", "closed", "reopened"]
    | None = None,
    limit: Limit = 100,
) -> DayClosesOut:
    """Proposals to close a reserve account's day and what became of them, the newest first."""
    with _reading(request) as connection:
        money = money_of(connection)
        found = reserves.day_records(connection, facility, partner, state, limit=limit)
        return DayClosesOut(
            items=[day_close_out(one, money) for one in found], as_of=as_of(connection)
        )


@router.get("/day-closes/{number}", summary="One statement")
def one_day_close(request: Request, number: int) -> DayCloseOut:
    """One statement with the pairs that it carries forward, by name."""
    with _reading(request) as connection:
        found = reserves.day_records(connection, number=number)
        if not found:
            raise Problem(404, "not-found", f"there is no statement {number} in this view")
        carried = reserves.carried_forward(connection, found[0])
        return day_close_out(found[0], money_of(connection), carried)
