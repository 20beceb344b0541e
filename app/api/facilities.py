"""Facilities: their terms and history."""

from fastapi import APIRouter, Request

from app.api.etags import VIEWED
from app.api.reading import PagingIfAsked, reading
from app.api.security import READ_OR_PUSH
from app.http.problems import Problem
from app.presentation.common import PageOut
from app.presentation.facilities import (
    FacilitiesOut,
    FacilityHistoryOut,
    FacilityOut,
    facility_out,
    history_out,
)
from app.readmodel.facilities.agreed import (
    agreed_facilities,
    agreed_facility,
    page_of_facilities,
)

router = APIRouter(prefix="/v1")


@router.get(
    "/facilities", tags=["facilities"], dependencies=[READ_OR_PUSH, VIEWED], summary="Facilities"
)
def list_facilities(request: Request, page: PagingIfAsked) -> FacilitiesOut | PageOut[FacilityOut]:
    """Every facility on the chain that this node sees, proposed and withdrawn ones included.

    With `limit` or `cursor` one page, newest first; without either all, oldest first, in an answer
    that has `items` alone.
    """
    with reading(request) as connection:
        if page is None:
            return FacilitiesOut(items=[facility_out(one) for one in agreed_facilities(connection)])
        found = page_of_facilities(connection, page.limit, page.before)
        return page.out(connection, map(facility_out, found.items), found.following)


@router.get(
    "/facilities/{facility}",
    tags=["facilities"],
    dependencies=[READ_OR_PUSH, VIEWED],
    summary="A facility's history",
)
def show_facility(request: Request, facility: str) -> FacilityHistoryOut:
    """A facility with every version of its shares and rules, its changes and its pauses."""
    with reading(request) as connection:
        found = agreed_facility(connection, facility)
        if found is None:
            raise Problem(404, "unknown-facility", f"facility {facility} is not on this chain")
        return history_out(connection, found)
