"""Reserve accounts: balances, holds, alerts and statements."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from app.api.etags import BY_BODY, VIEWED, TaggedByBody, pending, tagged, view
from app.api.reading import Facility, Limit, Partner, reading
from app.api.security import READ
from app.http.problems import Problem
from app.presentation.accounts import (
    BalanceEventsOut,
    BalancesOut,
    ForecastsOut,
    HoldsOut,
    StatementsOut,
    balance_event_out,
    balances_out,
    forecast_out,
    hold_out,
    statement_out,
)
from app.presentation.common import as_of, money_of
from app.readmodel.accounts.alerts import alerts
from app.readmodel.accounts.forecasts import account_forecasts
from app.readmodel.accounts.holds import holds
from app.readmodel.accounts.movements import movements
from app.readmodel.accounts.stated_parts import stated_differences
from app.readmodel.directory import directory

router = APIRouter(prefix="/v1", tags=["reserves"], dependencies=[READ], route_class=TaggedByBody)


@router.get("/balances", dependencies=[tagged(view, pending)], summary="Reserve accounts")
def list_balances(
    request: Request, facility: str | None = None, partner: str | None = None
) -> BalancesOut:
    """Each account with its three balances and its proof; what is pending stands apart."""
    with reading(request) as connection:
        return balances_out(connection, facility, partner)


@router.get("/forecasts", dependencies=[BY_BODY], summary="Projected balances")
def list_forecasts(
    request: Request, facility: str | None = None, partner: str | None = None
) -> ForecastsOut:
    """Each account's balance in the next two weeks, the day on which it runs out, and the top-up
    that would prevent it. Method: docs/forecast.md."""
    with reading(request) as connection:
        found = account_forecasts(connection, datetime.now(UTC), facility, partner)
        return ForecastsOut(items=[forecast_out(one) for one in found], as_of=as_of(connection))


@router.get("/holds", dependencies=[VIEWED], summary="Holds")
def list_holds(
    request: Request,
    facility: Facility = None,
    partner: Partner = None,
    state: Literal["active", "released", "posted"] | None = None,
    limit: Limit = 100,
) -> HoldsOut:
    """What the lead reserved for drawdowns, the newest first."""
    with reading(request) as connection:
        money = money_of(connection)
        found = holds(connection, facility, partner, state, limit)
        return HoldsOut(items=[hold_out(one, money) for one in found], as_of=as_of(connection))


@router.get("/balance-events", dependencies=[VIEWED], summary="Low balances and shortfalls")
def list_balance_events(
    request: Request, facility: Facility = None, partner: Partner = None, limit: Limit = 100
) -> BalanceEventsOut:
    """When a balance (the smaller book) passed its threshold or zero, the newest first."""
    with reading(request) as connection:
        money = money_of(connection)
        found = alerts(connection, facility, partner, limit)
        return BalanceEventsOut(
            items=[balance_event_out(one, money) for one in found], as_of=as_of(connection)
        )


@router.get(
    "/statements",
    dependencies=[VIEWED],
    summary="Opening, movements by kind, and closing of a period",
)
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
    with reading(request) as connection:
        known = directory(connection).facility(facility)
        if known is None:
            raise Problem(404, "unknown-facility", f"facility {facility} is not on this chain")
        money = money_of(connection)
        numbers = {one.name: one.number for one in known.partners}
        stated = stated_differences(connection, known, first, last) or {}
        return StatementsOut(
            items=[
                statement_out(one, facility, money, stated.get(numbers[one.partner]))
                for one in movements(connection, known, first, last)
                if partner in (None, one.partner)
            ],
            as_of=as_of(connection),
        )
