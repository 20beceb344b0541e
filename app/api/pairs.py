"""Pairs, matches, breaks and their resolutions; legs and rejections."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from app.api.etags import VIEWED
from app.api.reading import Page, Paging, reading
from app.api.security import READ, READ_OR_PUSH
from app.domain.matching.pairs import PairType
from app.http.parameters import Number
from app.http.state import context_of
from app.presentation.common import Money, PageOut, money_of
from app.presentation.pairs import (
    LegOut,
    PairOut,
    RejectionOut,
    ResolutionOut,
    leg_out,
    pair_out,
    rejection_out,
    resolution_out,
)
from app.readmodel.pairs import queries, resolutions

ResolutionStatus = Literal["proposed", "accepted", "disputed", "withdrawn", "replaced"]

router = APIRouter(prefix="/v1")


def _filter(
    request: Request,
    facility: Annotated[str | None, Query(description="A facility's id")] = None,
    partner: Annotated[str | None, Query(description="A partner's name")] = None,
    type: Annotated[list[PairType] | None, Query(description="May be repeated")] = None,
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
        references=None if event_ref is None else context_of(request).references(event_ref),
        text=text,
        value_from=value_from,
        value_to=value_to,
        business_from=business_from,
        business_to=business_to,
        overdue=overdue,
        resolved=resolved,
    )


Filtering = Annotated[queries.Filter, Depends(_filter)]


@router.get("/pairs", tags=["pairs"], dependencies=[READ, VIEWED], summary="Pairs of any type")
def list_pairs(request: Request, where: Filtering, page: Paging) -> PageOut[PairOut]:
    """Matched pairs, breaks, one-sided and duplicate legs, newest first."""
    return _answer(request, queries.pairs, where, page, pair_out)


@router.get("/matches", tags=["pairs"], dependencies=[READ, VIEWED], summary="Matched pairs")
def list_matches(request: Request, where: Filtering, page: Paging) -> PageOut[PairOut]:
    """Pairs that are matched or within tolerance, newest first."""
    return _answer(request, queries.matches, where, page, pair_out)


@router.get("/breaks", tags=["pairs"], dependencies=[READ, VIEWED], summary="Breaks")
def list_breaks(request: Request, where: Filtering, page: Paging) -> PageOut[PairOut]:
    """Unequal pairs, one-sided legs and duplicate legs, newest first."""
    return _answer(request, queries.breaks, where, page, pair_out)


@router.get(
    "/resolutions", tags=["pairs"], dependencies=[READ, VIEWED], summary="Resolutions of breaks"
)
def list_resolutions(
    request: Request,
    page: Paging,
    facility: str | None = None,
    partner: str | None = None,
    status: Annotated[list[ResolutionStatus] | None, Query(description="May be repeated")] = None,
    pair: Annotated[Number | None, Query(description="The number of a break")] = None,
) -> PageOut[ResolutionOut]:
    """What was proposed about breaks, and what became of it, newest first."""
    where = resolutions.ResolutionFilter(
        facility=facility, partner=partner, statuses=tuple(status or ()), pair=pair
    )
    with reading(request) as connection:
        found = resolutions.resolutions(connection, where, page.limit, page.before)
        money = money_of(connection)
        return page.out(
            connection, (resolution_out(one, money) for one in found.items), found.following
        )


@router.get("/legs", tags=["legs"], dependencies=[READ, VIEWED], summary="Posted legs")
def list_legs(request: Request, where: Filtering, page: Paging) -> PageOut[LegOut]:
    """Every posted leg, rejected ones too, with the transaction that carried it. A page holds both
    halves of `limit` pairs."""
    return _answer(request, queries.legs, where, page, leg_out)


@router.get(
    "/rejections", tags=["legs"], dependencies=[READ_OR_PUSH, VIEWED], summary="Rejected legs"
)
def list_rejections(request: Request, where: Filtering, page: Paging) -> PageOut[RejectionOut]:
    """Legs that the contract rejected, each with its reason, newest first."""
    return _answer(request, queries.rejections, where, page, rejection_out)


def _answer(
    request: Request,
    query: Callable[..., Any],
    where: queries.Filter,
    page: Page,
    shape: Callable[[Any, Money], Any],
) -> PageOut[Any]:
    with reading(request) as connection:
        found = query(connection, where, page.limit, page.before)
        money = money_of(connection)
        return page.out(connection, (shape(item, money) for item in found.items), found.following)
