"""The work list of breaks: assignees, comments, and the views that people keep. People act with
their session."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request

from app.api.bodies import body, takes
from app.api.etags import RECORDED, tagged, trail, view
from app.api.reading import Facility, Limit, Partner, reading
from app.api.responses import problem_responses
from app.api.security import READ, VIEW, WORK
from app.domain.errors import UsageFault
from app.http.acting import writing
from app.http.idempotency import IdempotencyKey, repeatable
from app.http.parameters import Number
from app.http.problems import Problem
from app.http.state import context_of
from app.people.person import Person, active_person
from app.prepared_acts.store import newest_entry
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

_MOST_BYTES = 32 * 1024

router = APIRouter(prefix="/v1", tags=["worklist"])

BreakNumber = Annotated[Number, Path(description="A break's number.")]
Age = Literal["up_to_1_day", "up_to_3_days", "up_to_7_days", "up_to_30_days", "over_30_days"]


@router.get(
    "/worklist",
    dependencies=[READ, tagged(view, trail, newest_entry)],
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
    with reading(request) as connection:
        page = WorkList(connection, context_of(request).member).page(where, sort, limit, after)
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
    **takes(CommentIn, problem_responses(409)),
)
def add_comment(
    request: Request,
    number: BreakNumber,
    person: Annotated[Person, WORK],
    asked: Annotated[CommentIn, body(CommentIn, _MOST_BYTES)],
    key: IdempotencyKey = None,
) -> NoteOut:
    """Kept in this bank's database, sealed; the other bank does not see it."""
    sent = repeatable(request, person, key, asked)
    with writing(request, person) as connection:
        before = sent.made(connection) if sent else None
        if before is not None:
            return NoteOut.of(next(one for one in notes(connection, number) if one.id == before))
        made = comment(connection, number, person.display_name, asked.text)
        if sent:
            sent.keep(connection, made.id)
        return NoteOut.of(made)


@router.get("/assignees", dependencies=[READ, RECORDED], summary="Who may work on breaks")
def list_assignees(request: Request) -> AssigneesOut:
    """By name."""
    with reading(request) as connection:
        found = workers(connection)
    return AssigneesOut(items=[PersonOut(id=one.person, name=one.name) for one in found])


@router.post("/breaks:assign", summary="Assign breaks", **takes(AssignIn))
def assign_breaks(
    request: Request,
    person: Annotated[Person, WORK],
    asked: Annotated[AssignIn, body(AssignIn, _MOST_BYTES)],
) -> AssignedOut:
    """To a person who may work on breaks, or to nobody. All or none of them."""
    with writing(request, person) as connection:
        to = None if asked.assignee is None else active_person(connection, asked.assignee)
        if to is None and asked.assignee is not None:
            raise UsageFault("there is no person of this id")
        numbers = sorted(set(asked.breaks))
        return AssignedOut(changed=assign(connection, numbers, person.display_name, to))


@router.get("/views", dependencies=[VIEW, RECORDED], summary="The views that this person keeps")
def list_views(request: Request, person: Annotated[Person, VIEW]) -> ViewsOut:
    """Filters of the page of breaks, by name."""
    with reading(request) as connection:
        found = views_of(connection, person)
    return ViewsOut(items=[ViewOut.of(one) for one in found])


@router.post("/views", status_code=201, summary="Keep a view", **takes(ViewIn))
def keep_view(
    request: Request,
    person: Annotated[Person, VIEW],
    asked: Annotated[ViewIn, body(ViewIn, _MOST_BYTES)],
) -> ViewOut:
    """One of the same name is replaced."""
    with writing(request, person) as connection:
        return ViewOut.of(save_view(connection, person, asked.name, asked.query))


@router.delete("/views/{number}", status_code=204, summary="Delete a view")
def remove_view(
    request: Request, number: Annotated[Number, Path()], person: Annotated[Person, VIEW]
) -> None:
    """One of this person's own."""
    with writing(request, person) as connection:
        try:
            delete_view(connection, person, number)
        except UsageFault as fault:
            raise Problem(404, "not-found", str(fault)) from None
