"""The consortium as this node's read model has it: members, proposals, validators. Read only."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request

from app.api.etags import VIEWED
from app.api.reading import Paging, reading
from app.api.security import READ
from app.http.problems import Problem
from app.presentation.common import as_of
from app.presentation.consortium import (
    MemberOut,
    MembersOut,
    ProposalOut,
    ProposalsOut,
    ValidatorOut,
    ValidatorsOut,
    proposal_out,
)
from app.readmodel.consortium.queries import (
    list_members,
    list_proposals,
    list_validators,
    page_of_proposals,
)

router = APIRouter(prefix="/v1/consortium", tags=["consortium"], dependencies=[READ, VIEWED])

_LARGEST = 2**32 - 1  # the contract's uint32


@router.get("/members", summary="Members")
def read_members(request: Request) -> MembersOut:
    """Every member ever admitted, with its state, role and keys."""
    with reading(request) as connection:
        return MembersOut(
            items=[MemberOut.of(one) for one in list_members(connection)], as_of=as_of(connection)
        )


@router.get("/proposals", summary="Proposals")
def read_proposals(
    request: Request,
    page: Paging,
    state: Annotated[
        Literal["open", "enacted", "rejected", "withdrawn", "expired", "waiting", "objected"]
        | None,
        Query(),
    ] = None,
) -> ProposalsOut:
    """What the banks asked each other for and how they voted, newest first."""
    with reading(request) as connection:
        found = page_of_proposals(connection, state, page.limit, page.before)
        return ProposalsOut(
            items=[proposal_out(one) for one in found.items],
            next=page.next(found.following),
            as_of=as_of(connection),
        )


@router.get("/proposals/{number}", summary="One proposal")
def read_proposal(request: Request, number: Annotated[int, Path(ge=1, le=_LARGEST)]) -> ProposalOut:
    """One proposal by its number."""
    with reading(request) as connection:
        found = list_proposals(connection, number)
    if not found:
        raise Problem(404, "unknown-proposal", f"proposal {number} is not on this chain")
    return proposal_out(found[0])


@router.get("/validators", summary="Validators")
def read_validators(request: Request) -> ValidatorsOut:
    """The validator nodes that the members have registered."""
    with reading(request) as connection:
        found = list_validators(connection)
        return ValidatorsOut(items=[ValidatorOut.of(one) for one in found], as_of=as_of(connection))
