"""What the read model holds: facilities, balances, pairs, legs, matches, breaks, rejections."""

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection

from app.api import received
from app.api.context import Context
from app.api.problems import Problem
from app.api.security import ANY, READ
from app.presentation.facility_shapes import history_out
from app.presentation.models import (
    BalancesOut,
    FacilitiesOut,
    FacilityHistoryOut,
    LegOut,
    PageOut,
    PairOut,
    PendingOut,
    QuarantinedOut,
    RejectionOut,
    ResolutionOut,
)
from app.presentation.shapes import (
    Money,
    as_of,
    balance_out,
    facility_out,
    leg_out,
    money_of,
    pair_out,
    rejection_out,
    resolution_out,
)
from app.readmodel import queries, resolutions
from app.readmodel.facilities import agreed_facilities, agreed_facility
from app.readmodel.sums import balances

MAX_PAGE = 1_000
DEFAULT_PAGE = 100

Type = Literal[
    "matched",
    "within_tolerance",
    "amount",
    "date",
    "amount_and_date",
    "missing_at_partner",
    "missing_at_lead",
    "duplicate_at_lead",
    "duplicate_at_partner",
]

ResolutionStatus = Literal["proposed", "accepted", "disputed", "withdrawn", "replaced"]

router = APIRouter(prefix="/v1")


@contextmanager
def _reading(request: Request) -> Iterator[Connection]:
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        yield connection


@dataclass(frozen=True, slots=True)
class _Page:
    """Which page. A cursor is opaque: it holds the number of the last line of the page before."""

    limit: int
    before: int | None

    def next(self, following: int | None) -> str | None:
        if following is None:
            return None
        return base64.urlsafe_b64encode(b"before %d" % following).rstrip(b"=").decode()


def _page(
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next` of the page before")
    ] = None,
) -> _Page:
    if cursor is None:
        return _Page(limit, None)
    try:
        octets = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    word, _, number = octets.partition(b" ")
    if word != b"before" or not number.isdigit() or len(number) > 18:
        raise Problem(422, "invalid-request", "cursor: give `next` of the page before, unchanged")
    return _Page(limit, int(number))


def _filter(
    facility: Annotated[str | None, Query(description="A facility's id")] = None,
    partner: Annotated[str | None, Query(description="A partner's name")] = None,
    type: Annotated[list[Type] | None, Query(description="May be repeated")] = None,
    kind: Annotated[str | None, Query(examples=["principal"])] = None,
    event_ref: str | None = None,
    text: Annotated[str | None, Query(description="Part of the event_ref", max_length=64)] = None,
    value_from: date | None = None,
    value_to: date | None = None,
    business_from: date | None = None,
    business_to: date | None = None,
    overdue: Annotated[
        bool | None, Query(description="One-sided and past its deadline by the chain's clock")
    ] = None,
    resolved: Annotated[
        bool | None, Query(description="Resolved by its two banks; breaks are listed without them")
    ] = None,
) -> queries.Filter:
    return queries.Filter(
        facility=facility,
        partner=partner,
        types=tuple(type or ()),
        kind=kind,
        event_ref=event_ref,
        text=text,
        value_from=value_from,
        value_to=value_to,
        business_from=business_from,
        business_to=business_to,
        overdue=overdue,
        resolved=resolved,
    )


Paging = Annotated[_Page, Depends(_page)]
Filtering = Annotated[queries.Filter, Depends(_filter)]


@router.get("/facilities", tags=["facilities"], dependencies=[ANY], summary="Facilities")
def list_facilities(request: Request) -> FacilitiesOut:
    """Every facility on the chain that this node sees, proposed ones included."""
    with _reading(request) as connection:
        return FacilitiesOut(items=[facility_out(one) for one in agreed_facilities(connection)])


@router.get(
    "/facilities/{facility}",
    tags=["facilities"],
    dependencies=[ANY],
    summary="A facility's history",
)
def show_facility(request: Request, facility: str) -> FacilityHistoryOut:
    """A facility with every version of its shares and rules, its changes and its pauses."""
    with _reading(request) as connection:
        found = agreed_facility(connection, facility)
        if found is None:
            raise Problem(404, "unknown-facility", f"facility {facility} is not on this chain")
        return history_out(connection, found)


@router.get("/balances", tags=["reserves"], dependencies=[READ], summary="Reserve accounts")
def list_balances(
    request: Request, facility: str | None = None, partner: str | None = None
) -> BalancesOut:
    """Each account with its three balances and its proof; what is pending stands apart."""
    with _reading(request) as connection:
        return BalancesOut(
            items=[balance_out(one) for one in balances(connection, facility, partner)],
            pending=[
                PendingOut(facility=id_, waiting=counts.waiting, dead_letters=counts.dead)
                for id_, counts in sorted(received.pending(connection).items())
                if facility in (None, id_)
            ],
            as_of=as_of(connection),
        )


@router.get("/pairs", tags=["pairs"], dependencies=[READ], summary="Pairs of any type")
def list_pairs(request: Request, where: Filtering, page: Paging) -> PageOut[PairOut]:
    """Matched pairs, breaks, one-sided and duplicate legs, newest first."""
    return _answer(request, queries.pairs, where, page, pair_out)


@router.get("/matches", tags=["pairs"], dependencies=[READ], summary="Matched pairs")
def list_matches(request: Request, where: Filtering, page: Paging) -> PageOut[PairOut]:
    """Pairs that are matched or within tolerance, newest first."""
    return _answer(request, queries.matches, where, page, pair_out)


@router.get("/breaks", tags=["pairs"], dependencies=[READ], summary="Breaks")
def list_breaks(request: Request, where: Filtering, page: Paging) -> PageOut[PairOut]:
    """Unequal pairs, one-sided legs and duplicate legs, newest first."""
    return _answer(request, queries.breaks, where, page, pair_out)


@router.get("/resolutions", tags=["pairs"], dependencies=[READ], summary="Resolutions of breaks")
def list_resolutions(
    request: Request,
    page: Paging,
    facility: str | None = None,
    partner: str | None = None,
    status: Annotated[list[ResolutionStatus] | None, Query(description="May be repeated")] = None,
    pair: Annotated[int | None, Query(description="The number of a break")] = None,
) -> PageOut[ResolutionOut]:
    """What was proposed about breaks, and what became of it, newest first."""
    where = resolutions.ResolutionFilter(
        facility=facility, partner=partner, statuses=tuple(status or ()), pair=pair
    )
    with _reading(request) as connection:
        found = resolutions.resolutions(connection, where, page.limit, page.before)
        money = money_of(connection)
        return PageOut(
            items=[resolution_out(one, money) for one in found.items],
            next=page.next(found.following),
            as_of=as_of(connection),
        )


@router.get("/legs", tags=["legs"], dependencies=[READ], summary="Posted legs")
def list_legs(request: Request, where: Filtering, page: Paging) -> PageOut[LegOut]:
    """Every posted leg, rejected ones too, with the transaction that carried it. A page holds both
    halves of `limit` pairs."""
    return _answer(request, queries.legs, where, page, leg_out)


@router.get("/rejections", tags=["legs"], dependencies=[ANY], summary="Rejected legs")
def list_rejections(request: Request, where: Filtering, page: Paging) -> PageOut[RejectionOut]:
    """Legs that the contract rejected, each with its reason, newest first."""
    return _answer(request, queries.rejections, where, page, rejection_out)


@router.get("/quarantine", tags=["events"], dependencies=[ANY], summary="Quarantined rows")
def list_quarantine(
    request: Request, page: Paging, facility: str | None = None
) -> PageOut[QuarantinedOut]:
    """Rows that this node quarantined, each with its first fault, newest first."""
    with _reading(request) as connection:
        found = received.quarantined(connection, facility, page.limit, page.before)
        return PageOut(
            items=[QuarantinedOut.model_validate(row, from_attributes=True) for row in found.items],
            next=page.next(found.following),
            as_of=as_of(connection),
        )


def _answer(
    request: Request,
    query: Callable[..., Any],
    where: queries.Filter,
    page: _Page,
    shape: Callable[[Any, Money], Any],
) -> PageOut[Any]:
    with _reading(request) as connection:
        found = query(connection, where, page.limit, page.before)
        money = money_of(connection)
        return PageOut(
            items=[shape(item, money) for item in found.items],
            next=page.next(found.following),
            as_of=as_of(connection),
        )
