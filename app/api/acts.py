"""Acts of the bank: prepared by one person, signed by another. People act with their session."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from app.api.bodies import described, json_body
from app.api.etags import prepared_acts, tagged, trail, view
from app.api.reading import Paging, reading
from app.api.responses import KEYED, Responses, problem_responses
from app.api.security import PREPARE, READ, SIGN, WITHDRAW
from app.domain.errors import InputFault
from app.http.context import Context
from app.http.idempotency import IdempotencyKey, repeatable
from app.http.parameters import Number
from app.http.signed_in import as_person
from app.http.signing import act_problem, sign_act, sign_batch
from app.people.person import Person
from app.prepared_acts.lifecycle import State
from app.prepared_acts.requests import PrepareIn
from app.prepared_acts.store import (
    MOST_IN_BATCH,
    PreparedAct,
    batch_hash,
    batch_of,
    list_acts,
    one_act,
)
from app.presentation.common import Model, money_of
from app.presentation.prepared_acts import ActOut, ActsOut, act_out, acts_out

_MAX_BYTES = 32 * 1024
PREPARED = tagged(view, prepared_acts, trail)
_MAX_BATCH_BYTES = 512 * 1024
_ACTING: Responses = problem_responses(400, 408, 409, 413, 415, 429, 507)

router = APIRouter(prefix="/v1", tags=["acts"], responses=KEYED)

ActNumber = Annotated[Number, Path(description="A prepared act's number.")]


class SignatureIn(Model):
    """A signature: over what was shown, with the second factor asked for again."""

    hash: str = Field(pattern="^[0-9a-f]{64}$", description="`hash` of the act as it was shown.")
    code: str = Field(
        min_length=1,
        max_length=64,
        description="Six digits of the person's authenticator, or a recovery code.",
    )


class PrepareBatchIn(Model):
    """What is to be prepared together."""

    acts: list[PrepareIn] = Field(min_length=1, max_length=MOST_IN_BATCH)


class RefusedOut(Model):
    """What was not prepared, by its place in what was asked, from 0."""

    place: int
    why: str


class BatchPreparedOut(Model):
    """`batch`: the number to sign by; null where nothing was prepared."""

    batch: int | None
    prepared: list[int] = Field(description="The numbers of the acts.")
    refused: list[RefusedOut]


class BatchOut(Model):
    """Acts that were prepared together, oldest first."""

    hash: str = Field(description="Over the hashes of those that wait: who signs names it.")
    items: list[ActOut]


@router.get("/acts", dependencies=[READ, PREPARED], summary="Prepared acts")
def list_prepared_acts(
    request: Request,
    page: Paging,
    state: Annotated[list[State] | None, Query(description="May be repeated")] = None,
    pair: Annotated[Number | None, Query(description="A break's number")] = None,
    batch: Annotated[Number | None, Query(description="A batch's number")] = None,
) -> ActsOut:
    """What people of this bank have prepared and what became of it, newest first."""
    with reading(request) as connection:
        found = list_acts(
            connection,
            states=state or (),
            pair=pair,
            batch=batch,
            limit=page.limit + 1,
            before=page.before,
        )
        shown, following = page.cut(found)
        return acts_out(connection, request.app.state.context.acts.view, shown, following)


@router.get("/acts/{number}", dependencies=[READ, PREPARED], summary="One prepared act")
def one_prepared_act(request: Request, number: ActNumber) -> ActOut:
    """With what it was prepared against, and the hash that a signature names."""
    context: Context = request.app.state.context
    try:
        with reading(request) as connection:
            return act_out(connection, context.acts.view, one_act(connection, number))
    except InputFault as fault:
        raise act_problem(fault) from None


@router.post(
    "/acts",
    status_code=201,
    summary="Prepare an act",
    responses=_ACTING,
    openapi_extra=described(PrepareIn),
)
async def prepare_act(
    request: Request, person: Annotated[Person, PREPARE], key: IdempotencyKey = None
) -> ActOut:
    """For the signature of another person; nothing reaches the chain. Refused (409) where another
    act about the same waits."""
    asked = await json_body(request, PrepareIn, _MAX_BYTES)
    context: Context = request.app.state.context
    sent = repeatable(request, person, key, asked)

    def work() -> ActOut:
        if sent:
            with reading(request) as connection:
                before = sent.made(connection)
                if before is not None:
                    return act_out(connection, context.acts.view, one_act(connection, before))
        try:
            with as_person(request, person):
                prepared = context.acts.prepare(
                    person, asked.root, on_prepared=sent.keep if sent else None
                )
            return _shown(request, prepared)
        except InputFault as fault:
            raise act_problem(fault) from None

    return await run_in_threadpool(work)


@router.post(
    "/acts/{number}/sign",
    summary="Sign an act",
    responses=_ACTING,
    openapi_extra=described(SignatureIn),
)
async def sign_prepared_act(
    request: Request, number: ActNumber, person: Annotated[Person, SIGN]
) -> ActOut:
    """With the bank's approver key; not by who prepared it. Answers once it is on the chain, or
    after some seconds with state `sent`: GET it again then. Refused (409) where it was overtaken,
    and where the contract refuses it: nothing was sent then."""
    asked = await json_body(request, SignatureIn, _MAX_BYTES)

    def work() -> ActOut:
        return _shown(request, sign_act(request, person, number, asked.hash, asked.code))

    return await run_in_threadpool(work)


@router.post(
    "/acts/batches",
    status_code=201,
    summary="Prepare many acts",
    responses=_ACTING,
    openapi_extra=described(PrepareBatchIn),
)
async def prepare_batch(request: Request, person: Annotated[Person, PREPARE]) -> BatchPreparedOut:
    """Each on its own, to be signed with one second factor. What cannot be prepared of one stands
    beside it, and the others are prepared all the same."""
    asked = await json_body(request, PrepareBatchIn, _MAX_BATCH_BYTES)
    context: Context = request.app.state.context

    def work() -> BatchPreparedOut:
        try:
            with as_person(request, person):
                made = context.acts.prepare_batch(person, [one.root for one in asked.acts])
        except InputFault as fault:
            raise act_problem(fault) from None
        requests = [one.root for one in asked.acts]
        return BatchPreparedOut(
            batch=made.number,
            prepared=made.prepared,
            refused=[
                RefusedOut(place=place, why=str(fault))
                for request_, fault in made.refused
                for place, one in enumerate(requests)
                if one is request_
            ],
        )

    return await run_in_threadpool(work)


@router.get("/acts/batches/{number}", dependencies=[READ, PREPARED], summary="Acts of a batch")
def one_batch(request: Request, number: ActNumber) -> BatchOut:
    """With the hash that a signature of all that wait names."""
    try:
        with reading(request) as connection:
            return _batch_out(connection, request, batch_of(connection, number))
    except InputFault as fault:
        raise act_problem(fault) from None


@router.post(
    "/acts/batches/{number}/sign",
    summary="Sign the acts of a batch",
    responses=_ACTING,
    openapi_extra=described(SignatureIn),
)
async def sign_prepared_batch(
    request: Request, number: ActNumber, person: Annotated[Person, SIGN]
) -> BatchOut:
    """Those that wait, one after the other, with one second factor. Answers once all have ended, or
    after some seconds: GET it again then. What is refused of one stands in its own log."""
    asked = await json_body(request, SignatureIn, _MAX_BYTES)

    def work() -> BatchOut:
        signed = sign_batch(request, person, number, asked.hash, asked.code)
        with reading(request) as connection:
            return _batch_out(connection, request, signed)

    return await run_in_threadpool(work)


@router.post("/acts/{number}/withdraw", summary="Withdraw an act", responses=_ACTING)
def withdraw_act(
    request: Request, number: ActNumber, person: Annotated[Person, WITHDRAW]
) -> ActOut:
    """One that nobody has signed."""
    context: Context = request.app.state.context
    try:
        with as_person(request, person):
            withdrawn = context.acts.withdraw(person, number)
        return _shown(request, withdrawn)
    except InputFault as fault:
        raise act_problem(fault) from None


def _batch_out(connection: Connection, request: Request, acts: Sequence[PreparedAct]) -> BatchOut:
    context: Context = request.app.state.context
    money = money_of(connection)
    return BatchOut(
        hash=batch_hash(acts),
        items=[act_out(connection, context.acts.view, one, money) for one in acts],
    )


def _shown(request: Request, act: PreparedAct) -> ActOut:
    with reading(request) as connection:
        return act_out(connection, request.app.state.context.acts.view, act)
