"""The second factor, asked again before a signature or a change of people; and both of these."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from fastapi import Request
from sqlalchemy import Connection

from app.domain.errors import InputFault
from app.http.acting import acting, writing
from app.http.problems import Problem
from app.http.signed_in import address_of
from app.http.state import context_of, sign_in_of
from app.people.administration import Administrator
from app.people.person import Person
from app.people.sign_in import AnotherCodeWaits, NoSecondFactor, TooManyAttempts
from app.prepared_acts.errors import (
    ActConflict,
    NotAllowed,
    SigningIsOff,
    UnknownAct,
)
from app.prepared_acts.store import PreparedAct

Done = TypeVar("Done")


def sign_act(
    request: Request, person: Person, number: int, shown_hash: str, code: str
) -> PreparedAct:
    """Sign a prepared act. Raises problems."""
    signing = context_of(request).signing
    with act_problems():
        signing.check_signature(person, number, shown_hash)
        check_second_factor(request, person, code)
        with acting(request, person):
            return signing.sign(person, number, shown_hash)


def sign_batch(
    request: Request, person: Person, number: int, shown_hash: str, code: str
) -> list[PreparedAct]:
    """Sign what waits of a batch, with one second factor. Raises problems."""
    signing = context_of(request).signing
    with act_problems():
        signing.check_batch_signature(person, number, shown_hash)
        check_second_factor(request, person, code)
        with acting(request, person):
            return signing.sign_batch(person, number, shown_hash)


def administer(
    request: Request,
    person: Person,
    code: str | None,
    work: Callable[[Connection, Administrator], Done],
) -> Done:
    """Do in one transaction what an administrator asks for, with a code of the second factor; None
    where none is asked for. Raises problems, and UsageFault for what cannot be done."""
    if code is not None:
        check_second_factor(request, person, code)
    by = Administrator(person.actor, person.id, address_of(request))
    with writing(request, person) as connection:
        return work(connection, by)


def check_second_factor(request: Request, person: Person, code: str) -> None:
    """Use up a code of the person's second factor. Raises a problem where it is not one."""
    try:
        is_theirs = sign_in_of(request).verify_second_factor(
            person, code, address=address_of(request)
        )
    except (TooManyAttempts, AnotherCodeWaits) as fault:
        raise Problem(
            429,
            "too-many-attempts",
            "too many attempts have failed from your address; try again in some minutes"
            if isinstance(fault, TooManyAttempts)
            else "another code of yours is being looked at; try again in some seconds",
            headers={"Retry-After": str(fault.retry_after)},
        ) from None
    except NoSecondFactor:
        raise Problem(
            403,
            "second-factor",
            "you have no authenticator here; an administrator gives you a code to set one up",
        ) from None
    if not is_theirs:
        raise Problem(
            403,
            "second-factor",
            "this code is not right, or was used before; give the authenticator's next one",
        )


@contextmanager
def act_problems() -> Iterator[None]:
    """Raises a problem for a fault of preparing, signing or withdrawing within."""
    try:
        yield
    except InputFault as fault:
        raise _act_problem(fault) from None


def _act_problem(fault: InputFault) -> Problem:
    detail = f"{fault.what}. {fault.remedy}" if fault.remedy else fault.what
    match fault:
        case NotAllowed():
            return Problem(403, "forbidden", detail)
        case UnknownAct():
            return Problem(404, "not-found", detail)
        case SigningIsOff():
            return Problem(409, "signing-is-off", detail)
        case ActConflict():
            return Problem(409, fault.name, detail)
        case _:
            return Problem(422, "invalid-request", detail)
