"""Why banks did what they did."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from app.api.etags import VIEWED
from app.api.reading import reading
from app.api.security import READ
from app.http.problems import Problem
from app.presentation.consortium import ReasonOut, reason_out
from app.readmodel.reasons.queries import reason

router = APIRouter(prefix="/v1", tags=["consortium"], dependencies=[READ, VIEWED])


@router.get("/reasons/{reason_hash}", summary="The reason behind a hash")
def one_reason(
    request: Request,
    reason_hash: Annotated[str, Path(pattern="^0x[0-9a-f]{64}$", examples=["0x" + "00" * 32])],
) -> ReasonOut:
    """What a `reason_hash` of a day, a pause, a facility's change, an emergency stop or a proposal
    stands for, with the salt that proves it; 404 where it was not sealed for this node."""
    with reading(request) as connection:
        found = reason(connection, bytes.fromhex(reason_hash[2:]))
    if found is None:
        raise Problem(404, "unknown-reason", f"no reason of {reason_hash} was given to this node")
    return reason_out(found)
