"""Facilities: their terms and history."""

from fastapi import APIRouter, Request

from app.api.etags import VIEWED
from app.api.reading import reading
from app.api.security import READ_OR_PUSH
from app.http.problems import Problem
from app.presentation.facilities import (
    FacilitiesOut,
    FacilityHistoryOut,
    facility_out,
    history_out,
)
from app.readmodel.facilities.agreed import agreed_facilities, agreed_facility

router = APIRouter(prefix="/v1")


@router.get(
    "/facilities", tags=["facilities"], dependencies=[READ_OR_PUSH, VIEWED], summary="Facilities"
)
def list_facilities(request: Request) -> FacilitiesOut:
    """Every facility on the chain that this node sees, proposed ones included."""
    with reading(request) as connection:
        return FacilitiesOut(items=[facility_out(one) for one in agreed_facilities(connection)])


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
