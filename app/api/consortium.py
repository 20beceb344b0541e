"""The consortium as this node's read model has it: members, proposals, validators. Read only."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request

from app.api.context import Context
from app.api.problems import Problem
from app.api.security import READ
from app.presentation.consortium_models import (
    MemberOut,
    MembersOut,
    ProposalOut,
    ProposalsOut,
    ValidatorOut,
    ValidatorsOut,
    VoteOut,
)
from app.presentation.shapes import as_of
from app.readmodel.consortium import (
    Proposal,
    Standing,
    ValidatorNode,
    list_proposals,
    list_validators,
    standings,
)

router = APIRouter(prefix="/v1/consortium", tags=["consortium"], dependencies=[READ])

_LARGEST = 2**32 - 1  # the contract's uint32


@router.get("/members", summary="Members")
def read_members(request: Request) -> MembersOut:
    """Every member ever admitted, with its state, role and keys."""
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        return MembersOut(items=members_out(standings(connection)), as_of=as_of(connection))


@router.get("/proposals", summary="Proposals")
def read_proposals(
    request: Request,
    state: Annotated[
        Literal["open", "enacted", "rejected", "withdrawn", "expired"] | None, Query()
    ] = None,
) -> ProposalsOut:
    """What the banks asked each other for and how they voted, newest first."""
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        found = [one for one in list_proposals(connection) if state in (None, one.state)]
        return ProposalsOut(items=proposals_out(found), as_of=as_of(connection))


@router.get("/proposals/{number}", summary="One proposal")
def read_proposal(request: Request, number: Annotated[int, Path(ge=1, le=_LARGEST)]) -> ProposalOut:
    """One proposal by its number."""
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        found = list_proposals(connection, number)
    if not found:
        raise Problem(404, "unknown-proposal", f"proposal {number} is not on this chain")
    return proposal_out(found[0])


@router.get("/validators", summary="Validators")
def read_validators(request: Request) -> ValidatorsOut:
    """The validator nodes that the members have registered."""
    context: Context = request.app.state.context
    with context.engine.connect() as connection:
        found = list_validators(connection)
        return ValidatorsOut(items=validators_out(found), as_of=as_of(connection))


def members_out(members: list[Standing]) -> list[MemberOut]:
    return [MemberOut.model_validate(one, from_attributes=True) for one in members]


def proposals_out(proposals: list[Proposal]) -> list[ProposalOut]:
    return [proposal_out(one) for one in proposals]


def proposal_out(one: Proposal) -> ProposalOut:
    return ProposalOut(
        number=one.number,
        kind=one.kind,
        asked=one.asked,
        proposer=one.proposer,
        subject=one.subject,
        reason_hash=one.reason_hash,
        state=one.state,
        created_at=one.created_at,
        expires_at=one.expires_at,
        decided_at=one.decided_at,
        votes=[VoteOut.model_validate(vote, from_attributes=True) for vote in one.votes],
        yes=None if one.tally is None else one.tally.yes,
        no=None if one.tally is None else one.tally.no,
        electorate=None if one.tally is None else one.tally.electorate,
        needed=None if one.tally is None else one.tally.needed,
        not_voted=list(one.missing),
        transaction=one.transaction,
    )


def validators_out(validators: list[ValidatorNode]) -> list[ValidatorOut]:
    return [ValidatorOut.model_validate(one, from_attributes=True) for one in validators]
