"""Acts of the bank: prepared by one person, signed by another. People act with their session."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from sqlalchemy import Connection

from app.api.bodies import body, takes
from app.api.etags import tagged, trail, view
from app.api.reading import Paging, reading
from app.api.responses import KEYED, WITH_BODY, problem_responses
from app.api.security import PREPARE, READ, SIGN, WITHDRAW
from app.http.acting import acting
from app.http.idempotency import IdempotencyKey, repeatable
from app.http.parameters import Number
from app.http.signing import act_problems, sign_act, sign_batch
from app.http.state import context_of
from app.people.person import Person
from app.prepared_acts.lifecycle import State
from app.prepared_acts.requests import PrepareIn
from app.prepared_acts.store import (
    MOST_IN_BATCH,
    PreparedAct,
    batch_hash,
    batch_of,
    list_acts,
    newest_entry,
    one_act,
)
from app.presentation.common import Model, Money, as_of, money_of
from app.presentation.prepared_acts import ActOut, ActsOut, act_out

_MOST_BYTES = 32 * 1024
PREPARED = tagged(view, newest_entry, trail)
_MAX_BATCH_BYTES = 512 * 1024
_ACTING = problem_responses(409, 429)

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
        money = money_of(connection)
        return ActsOut(
            items=[_act_out(connection, request, one, money) for one in shown],
            next=following,
            as_of=as_of(connection),
        )


@router.get("/acts/{number}", dependencies=[READ, PREPARED], summary="One prepared act")
def one_prepared_act(request: Request, number: ActNumber) -> ActOut:
    """With what it was prepared against, and the hash that a signature names."""
    with act_problems(), reading(request) as connection:
        return _act_out(connection, request, one_act(connection, number))


@router.post("/acts", status_code=201, summary="Prepare an act", **takes(PrepareIn, _ACTING))
def prepare_act(
    request: Request,
    person: Annotated[Person, PREPARE],
    asked: Annotated[PrepareIn, body(PrepareIn, _MOST_BYTES)],
    key: IdempotencyKey = None,
) -> ActOut:
    """For the signature of another person; nothing reaches the chain. Refused (409) where another
    act about the same waits."""
    sent = repeatable(request, person, key, asked)
    if sent:
        with reading(request) as connection:
            before = sent.made(connection)
            if before is not None:
                return _act_out(connection, request, one_act(connection, before))
    with act_problems(), acting(request, person):
        acts = context_of(request).acts
        prepared = acts.prepare(person, asked.root, on_prepared=sent.keep if sent else None)
    return _shown(request, prepared)


@router.post("/acts/{number}/sign", summary="Sign an act", **takes(SignatureIn, _ACTING))
def sign_prepared_act(
    request: Request,
    number: ActNumber,
    person: Annotated[Person, SIGN],
    asked: Annotated[SignatureIn, body(SignatureIn, _MOST_BYTES)],
) -> ActOut:
    """With the bank's approver key; not by who prepared it. Answers once it is on the chain, or
    after some seconds with state `sent`: GET it again then. Refused (409) where it was overtaken,
    and where the contract refuses it: nothing was sent then."""
    return _shown(request, sign_act(request, person, number, asked.hash, asked.code))


@router.post(
    "/acts/batches",
    status_code=201,
    summary="Prepare many acts",
    **takes(PrepareBatchIn, _ACTING),
)
def prepare_batch(
    request: Request,
    person: Annotated[Person, PREPARE],
    asked: Annotated[PrepareBatchIn, body(PrepareBatchIn, _MAX_BATCH_BYTES)],
) -> BatchPreparedOut:
    """Each on its own, to be signed with one second factor. What cannot be prepared of one stands
    beside it, and the others are prepared all the same."""
    requests = [one.root for one in asked.acts]
    with act_problems(), acting(request, person):
        made = context_of(request).acts.prepare_batch(person, requests)
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


@router.get("/acts/batches/{number}", dependencies=[READ, PREPARED], summary="Acts of a batch")
def one_batch(request: Request, number: ActNumber) -> BatchOut:
    """With the hash that a signature of all that wait names."""
    with act_problems(), reading(request) as connection:
        return _batch_out(connection, request, batch_of(connection, number))


@router.post(
    "/acts/batches/{number}/sign",
    summary="Sign the acts of a batch",
    **takes(SignatureIn, _ACTING),
)
def sign_prepared_batch(
    request: Request,
    number: ActNumber,
    person: Annotated[Person, SIGN],
    asked: Annotated[SignatureIn, body(SignatureIn, _MOST_BYTES)],
) -> BatchOut:
    """Those that wait, one after the other, with one second factor. Answers once all have ended, or
    after some seconds: GET it again then. What is refused of one stands in its own log."""
    signed = sign_batch(request, person, number, asked.hash, asked.code)
    with reading(request) as connection:
        return _batch_out(connection, request, signed)


@router.post("/acts/{number}/withdraw", summary="Withdraw an act", responses=WITH_BODY | _ACTING)
def withdraw_act(
    request: Request, number: ActNumber, person: Annotated[Person, WITHDRAW]
) -> ActOut:
    """One that nobody has signed."""
    with act_problems(), acting(request, person):
        withdrawn = context_of(request).acts.withdraw(person, number)
    return _shown(request, withdrawn)


def _batch_out(connection: Connection, request: Request, acts: Sequence[PreparedAct]) -> BatchOut:
    money = money_of(connection)
    return BatchOut(
        hash=batch_hash(acts), items=[_act_out(connection, request, one, money) for one in acts]
    )


def _shown(request: Request, act: PreparedAct) -> ActOut:
    with reading(request) as connection:
        return _act_out(connection, request, act)


def _act_out(
    connection: Connection, request: Request, act: PreparedAct, money: Money | None = None
) -> ActOut:
    return act_out(connection, context_of(request).acts.view, act, money)
