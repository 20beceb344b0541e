"""People, their roles and sessions, what waits for another administrator, and the audit trail. Who
changes something does it with a session, under the rules of the pages: `app.http.dual_control`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Connection

from app.api.bodies import body, takes
from app.api.etags import BY_BODY, RECORDED, TaggedByBody
from app.api.reading import Paging, reading
from app.api.responses import WITH_BODY, Responses, problem_responses
from app.api.security import ADMINISTER, ADMINISTERED, AUDITING, VIEW
from app.audit.listing import recorded
from app.http import keys
from app.http.dual_control import Change, Made, ask, confirm, refuse, waiting
from app.http.parameters import SmallNumber
from app.http.problems import Problem
from app.http.signed_in import session_token
from app.http.signing import administer
from app.http.state import context_of
from app.people import administration as acts
from app.people.administration import Administrator
from app.people.directory import listed_people, listed_sessions
from app.people.person import Person
from app.people.sessions import csrf_token
from app.presentation.people import (
    AdministrationRequestOut,
    AdministrationRequestsOut,
    AuditOut,
    AuditRowOut,
    CodeIn,
    KeyAskIn,
    MadeOut,
    PeopleOut,
    PersonIn,
    RolesIn,
    SessionOut,
    SessionsOut,
    SignedInOut,
    listed_person_out,
    signed_in_out,
)

_WAITS: Responses = {
    202: {"model": MadeOut, "description": "Another administrator confirms it: `waiting`"}
}
_CODED = problem_responses(429)
_ASKED = _CODED | _WAITS

router = APIRouter(prefix="/v1", tags=["people"], route_class=TaggedByBody)

Admin = Annotated[Person, ADMINISTER]
Coded = Annotated[CodeIn, body(CodeIn)]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
RequestNumber = Annotated[SmallNumber, Path(description="A request's number.")]


@router.get("/session", dependencies=[BY_BODY], summary="Who is signed in")
def show_session(request: Request, person: Annotated[Person, VIEW]) -> SignedInOut:
    """The person whose session the request comes with, and the session's token for changes."""
    return signed_in_out(person, csrf_token(session_token(request)))


@router.get("/people", dependencies=[ADMINISTERED], summary="People")
def list_people(request: Request) -> PeopleOut:
    """Everybody of this bank, by name."""
    with reading(request) as connection:
        return PeopleOut(items=[listed_person_out(one) for one in listed_people(connection)])


@router.post("/people", status_code=201, summary="Add a person", **takes(PersonIn, _ASKED))
def add_person(
    request: Request,
    response: Response,
    person: Admin,
    asked: Annotated[PersonIn, body(PersonIn)],
) -> MadeOut:
    """The one-time code in this answer opens for 72 hours. With a role that has power, another
    administrator confirms it."""
    change = Change(
        "person.add",
        name=asked.name.strip().casefold(),
        display_name=asked.display_name,
        roles=tuple(asked.roles),
    )
    return _ask(request, response, person, asked, change)


@router.post("/people/{id}:roles", summary="Give a person other roles", **takes(RolesIn, _ASKED))
def set_roles(
    request: Request,
    response: Response,
    person: Admin,
    id: Id,
    asked: Annotated[RolesIn, body(RolesIn)],
) -> MadeOut:
    """They hold from the next request on."""
    change = Change("person.roles", id, roles=tuple(asked.roles))
    return _ask(request, response, person, asked, change)


@router.post(
    "/people/{id}:enrolment", summary="Give a person a new code to enrol", **takes(CodeIn, _ASKED)
)
def give_enrolment(
    request: Request, response: Response, person: Admin, id: Id, asked: Coded
) -> MadeOut:
    """What the person signed in with before opens no more, and all sessions end."""
    return _ask(request, response, person, asked, Change("person.enrolment", id))


@router.post("/people/{id}:enable", summary="Open a closed account", **takes(CodeIn, _ASKED))
def enable(request: Request, response: Response, person: Admin, id: Id, asked: Coded) -> MadeOut:
    """With what it signed in with."""
    return _ask(request, response, person, asked, Change("person.enable", id))


@router.post(
    "/people/{id}:disable",
    summary="Close a person's account",
    status_code=204,
    **takes(CodeIn, _CODED),
)
def disable(request: Request, person: Admin, id: Id, asked: Coded) -> None:
    """Its sessions end."""
    administer(request, person, asked.code, lambda connection, by: acts.disable(connection, by, id))


@router.post(
    "/people/{id}:sign-out",
    status_code=204,
    summary="End all sessions of a person",
    responses=WITH_BODY,
)
def sign_out(request: Request, person: Admin, id: Id) -> None:
    """No second factor is asked for: it must be quick."""
    administer(
        request, person, None, lambda connection, by: acts.end_all_sessions(connection, by, id)
    )


@router.get("/sessions", dependencies=[ADMINISTERED], summary="Open sessions")
def list_sessions(request: Request) -> SessionsOut:
    """The one that was seen last first."""
    with reading(request) as connection:
        found = listed_sessions(connection, context_of(request).session_lengths)
    return SessionsOut(items=[SessionOut.of(one) for one in found])


@router.delete("/sessions/{id}", status_code=204, summary="End a session")
def end_session(request: Request, person: Admin, id: Id) -> None:
    """Anybody's."""
    administer(
        request, person, None, lambda connection, by: acts.revoke_session(connection, by, id)
    )


@router.get(
    "/administration-requests",
    dependencies=[ADMINISTERED, BY_BODY],
    summary="What waits for another administrator",
)
def list_requests(request: Request) -> AdministrationRequestsOut:
    """The oldest first."""
    with reading(request) as connection:
        found = waiting(connection)
    return AdministrationRequestsOut(
        items=[
            AdministrationRequestOut.of(
                one,
                act=one.change.act,
                name=one.change.name,
                display_name=one.change.display_name,
                roles=one.change.roles,
                asked_by=one.asked_by_name,
            )
            for one in found
        ]
    )


@router.post(
    "/administration-requests/{number}:confirm",
    summary="Confirm what another administrator has asked for",
    **takes(CodeIn, _CODED),
)
def confirm_request(
    request: Request, person: Admin, number: RequestNumber, asked: Coded
) -> MadeOut:
    """Not by who asked for it. Refused (422) where it has changed since."""
    made = administer(
        request, person, asked.code, lambda connection, by: confirm(connection, by, number)
    )
    return _made(made)


@router.post(
    "/administration-requests/{number}:refuse",
    status_code=204,
    summary="Refuse a request",
    responses=WITH_BODY,
)
def refuse_request(request: Request, person: Admin, number: RequestNumber) -> None:
    """Another administrator's, or one's own."""
    administer(request, person, None, lambda connection, by: refuse(connection, by, number))


@router.post("/keys:ask", status_code=201, summary="Make an API key", **takes(KeyAskIn, _ASKED))
def ask_for_key(
    request: Request,
    response: Response,
    person: Admin,
    asked: Annotated[KeyAskIn, body(KeyAskIn)],
) -> MadeOut:
    """For people. One of role `feeds` or `admin` another administrator confirms."""
    change = Change("key.create", name=asked.name, roles=(asked.role,))
    return _ask(request, response, person, asked, change)


@router.post(
    "/keys/{id}:revoke", status_code=204, summary="Revoke an API key", **takes(CodeIn, _CODED)
)
def revoke_key(request: Request, person: Admin, id: Id, asked: Coded) -> None:
    """For people. It opens nothing from now on."""

    def work(connection: Connection, by: Administrator) -> None:
        if not keys.revoke(connection, id):
            raise Problem(404, "unknown-key", f"no open key has the id {id}")

    administer(request, person, asked.code, work)


@router.get("/audit", dependencies=[AUDITING, RECORDED], summary="The audit trail")
def list_audit(
    request: Request,
    page: Paging,
    actor: Annotated[str | None, Query(max_length=100, examples=["person:wang.fang"])] = None,
) -> AuditOut:
    """Who did what, newest first. `tally audit verify` checks it."""
    with reading(request) as connection:
        found = recorded(connection, actor=actor, before=page.before, limit=page.limit + 1)
    shown, following = page.cut(found)
    return AuditOut(items=[AuditRowOut.of(one) for one in shown], next=following)


def _ask(
    request: Request, response: Response, person: Person, asked: CodeIn, change: Change
) -> MadeOut:
    """Done, or (202) left for another administrator to confirm."""
    made = administer(
        request, person, asked.code, lambda connection, by: ask(connection, by, change)
    )
    if "number" in made:
        response.status_code = 202
    return _made(made)


def _made(made: Made) -> MadeOut:
    return MadeOut.model_validate({**made, "waiting": made.get("number")})
