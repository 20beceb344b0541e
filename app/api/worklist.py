"""The work list of breaks: assignees, comments, and the views that people keep. People act with
their session."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import Connection

from app.api.bodies import described, json_body
from app.api.etags import RECORDED, prepared_acts, tagged, trail, view
from app.api.reading import Facility, Limit, Partner, reading
from app.api.responses import WITH_BODY, problem_responses
from app.api.security import READ, VIEW, WORK
from app.domain.errors import UsageFault
from app.http.acting import writing
from app.http.context import Context
from app.http.idempotency import IdempotencyKey, repeatable
from app.http.parameters import Number
from app.http.problems import Problem
from app.people.person import Person, active_person
from app.presentation.common import as_of, money_of
from app.presentation.worklist import (
    AssignedOut,
    AssigneesOut,
    AssignIn,
    CommentIn,
    NoteOut,
    NotesOut,
    PersonOut,
    ViewIn,
    ViewOut,
    ViewsOut,
    WorkPageOut,
    work_line_out,
)
from app.readmodel.pairs.shapes import BREAK_TYPES
from app.worklist.lines import Sort, Standing, WorkFilter, WorkList
from app.worklist.notes import assign, comment, notes, workers
from app.worklist.views import delete_view, save_view, views_of

_MAX_BYTES = 32 * 1024

router = APIRouter(prefix="/v1", tags=["worklist"])

BreakNumber = Annotated[Number, Path(description="A break's number.")]
Age = Literal["up_to_1_day", "up_to_3_days", "up_to_7_days", "up_to_30_days", "over_30_days"]


@router.get(
    "/worklist",
    dependencies=[READ, tagged(view, trail, prepared_acts)],
    summary="The work list of breaks",
)
def list_work(
    request: Request,
    limit: Limit = 100,
    after: Annotated[
        str | None, Query(max_length=40, description="`next` of the page before")
    ] = None,
    sort: Sort = "newest",
    facility: Facility = None,
    partner: Partner = None,
    type: Annotated[str | None, Query(description="One of the types of breaks")] = None,
    text: Annotated[str | None, Query(description="Part of the event_ref", max_length=64)] = None,
    age: Annotated[Age | None, Query(description="By the chain's clock")] = None,
    overdue: bool = False,
    assignee: Annotated[str | None, Query(description="A person's id, or nobody")] = None,
    state: Annotated[Standing | None, Query(description="Of its resolution")] = None,
) -> WorkPageOut:
    """Breaks that wait for people, each with its assignee and the state of its resolution. Sorted
    by difference, duplicate legs are left out: they have nothing to be resolved."""
    if type is not None and type not in BREAK_TYPES:
        raise Problem(422, "invalid-request", f"type: one of {', '.join(BREAK_TYPES)}")
    where = WorkFilter(
        facility=facility,
        partner=partner,
        type=type,
        text=text,
        age=age,
        overdue=overdue,
        assignee=assignee,
        standing=state,
    )
    context: Context = request.app.state.context
    with reading(request) as connection:
        page = WorkList(connection, context.member).page(where, sort, limit, after)
        money = money_of(connection)
        return WorkPageOut(
            items=[work_line_out(one, money) for one in page.lines],
            next=page.following,
            total=page.total,
            as_of=as_of(connection),
        )


@router.get(
    "/breaks/{number}/notes", dependencies=[READ, RECORDED], summary="What was noted about a break"
)
def list_notes(request: Request, number: BreakNumber) -> NotesOut:
    """Comments and assignments, oldest first. They are this bank's own and never on the chain."""
    with reading(request) as connection:
        return NotesOut(items=[NoteOut.of(one) for one in notes(connection, number)])


@router.post(
    "/breaks/{number}/comments",
    status_code=201,
    summary="Comment on a break",
    responses=WITH_BODY | problem_responses(409),
    openapi_extra=described(CommentIn),
)
async def add_comment(
    request: Request,
    number: BreakNumber,
    person: Annotated[Person, WORK],
    key: IdempotencyKey = None,
) -> NoteOut:
    """Kept in this bank's database, sealed; the other bank does not see it."""
    asked = await json_body(request, CommentIn, _MAX_BYTES)
    sent = repeatable(request, person, key, asked)

    def work(connection: Connection) -> NoteOut:
        before = sent.made(connection) if sent else None
        if before is not None:
            return NoteOut.of(next(one for one in notes(connection, number) if one.id == before))
        made = comment(connection, number, person.display_name, asked.text)
        if sent:
            sent.keep(connection, made.id)
        return NoteOut.of(made)

    return await writing(request, person, work)


@router.get("/assignees", dependencies=[READ, RECORDED], summary="Who may work on breaks")
def list_assignees(request: Request) -> AssigneesOut:
    """By name."""
    with reading(request) as connection:
        found = workers(connection)
    return AssigneesOut(items=[PersonOut(id=one.person, name=one.name) for one in found])


@router.post(
    "/breaks:assign",
    summary="Assign breaks",
    responses=WITH_BODY,
    openapi_extra=described(AssignIn),
)
async def assign_breaks(request: Request, person: Annotated[Person, WORK]) -> AssignedOut:
    """To a person who may work on breaks, or to nobody. All or none of them."""
    asked = await json_body(request, AssignIn, _MAX_BYTES)

    def work(connection: Connection) -> AssignedOut:
        to = None if asked.assignee is None else active_person(connection, asked.assignee)
        if to is None and asked.assignee is not None:
            raise UsageFault("there is no person of this id")
        numbers = sorted(set(asked.breaks))
        return AssignedOut(changed=assign(connection, numbers, person.display_name, to))

    return await writing(request, person, work)


@router.get("/views", dependencies=[VIEW, RECORDED], summary="The views that this person keeps")
def list_views(request: Request, person: Annotated[Person, VIEW]) -> ViewsOut:
    """Filters of the page of breaks, by name."""
    with reading(request) as connection:
        found = views_of(connection, person)
    return ViewsOut(items=[ViewOut(id=one.id, name=one.name, query=one.query) for one in found])


@router.post(
    "/views",
    status_code=201,
    summary="Keep a view",
    responses=WITH_BODY,
    openapi_extra=described(ViewIn),
)
async def keep_view(request: Request, person: Annotated[Person, VIEW]) -> ViewOut:
    """One of the same name is replaced."""
    asked = await json_body(request, ViewIn, _MAX_BYTES)

    def work(connection: Connection) -> ViewOut:
        made = save_view(connection, person, asked.name, asked.query)
        return ViewOut(id=made.id, name=made.name, query=made.query)

    return await writing(request, person, work)


@router.delete("/views/{number}", status_code=204, summary="Delete a view")
async def remove_view(
    request: Request, number: Annotated[Number, Path()], person: Annotated[Person, VIEW]
) -> None:
    """One of this person's own."""

    def work(connection: Connection) -> None:
        try:
            delete_view(connection, person, number)
        except UsageFault as fault:
            raise Problem(404, "not-found", str(fault)) from None

    await writing(request, person, work)
