"""Closed days."""

from typing import Literal

from fastapi import APIRouter, Request

from app.api.etags import VIEWED
from app.api.reading import Facility, Limit, Partner, reading
from app.api.security import READ
from app.http.parameters import SmallNumber
from app.http.problems import Problem
from app.presentation.common import as_of, money_of
from app.presentation.days import DayCloseOut, DayClosesOut, day_close_out
from app.readmodel.days.queries import (
    carried_forward,
    day_record,
    day_records,
    stated_difference,
)

router = APIRouter(prefix="/v1", tags=["reserves"], dependencies=[READ, VIEWED])


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
    with reading(request) as connection:
        money = money_of(connection)
        found = day_records(connection, facility, partner, state, limit=limit)
        return DayClosesOut(
            items=[day_close_out(one, money) for one in found], as_of=as_of(connection)
        )


@router.get("/day-closes/{number}", summary="One statement")
def one_day_close(request: Request, number: SmallNumber) -> DayCloseOut:
    """One statement with the pairs that it carries forward, by name."""
    with reading(request) as connection:
        found = day_record(connection, number)
        if found is None:
            raise Problem(404, "not-found", f"there is no statement {number} in this view")
        carried, stated = carried_forward(connection, found), stated_difference(connection, found)
        return day_close_out(found, money_of(connection), carried, stated)
