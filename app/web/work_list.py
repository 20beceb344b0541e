"""The list of breaks, and what people do with those that they have selected in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import InputFault, UsageFault
from app.domain.resolutions import Action, Side
from app.http.acting import acting, writing
from app.http.context import Context
from app.http.parameters import Number
from app.http.signed_in import SignedIn, Worker, person_of
from app.locale import _, ngettext
from app.people.person import Person, active_person
from app.prepared_acts.requests.breaks import ProposeResolutionIn
from app.prepared_acts.store import MOST_IN_BATCH
from app.presentation.pairs import action_text
from app.readmodel.directory import directory
from app.web.breaks import (
    AGE_LABELS,
    ME,
    SORT_LABELS,
    STANDING_LABELS,
    TYPE_LABELS,
    BreakFilters,
    break_list,
)
from app.web.forms import Filled, Form, number_of
from app.web.pages import Pages
from app.web.site import Site
from app.web.text import said_fault, whole
from app.worklist.lines import MOST_SELECTED, NOBODY, WorkList
from app.worklist.notes import assign
from app.worklist.views import delete_view, save_view

_ACTIONS = {
    f"{action} {side}" if side else f"{action}": (action, side)
    for action, side in (
        (Action.ADJUST, Side.LEAD),
        (Action.ADJUST, Side.PARTNER),
        (Action.WRITE_OFF, None),
        (Action.FORCE, None),
        (Action.VOID, None),
    )
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has filled in below the list."""

    to: str = ""
    action: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefusedBreak:
    """A break for which nothing could be prepared."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Said:
    """What became of what was asked for. `batch`: the number of that which was prepared."""

    text: str = ""
    refused: Sequence[RefusedBreak] = ()
    batch: int | None = None
    typed: Typed = Typed()
    status: int = 200


def add_work_list(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """Its routes."""

    def show(
        request: Request, filters: BreakFilters, after: str | None = None, said: Said = Said()
    ) -> Response:
        person = person_of(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            found = break_list(connection, context.member, person, filters, after, now)
            own = [] if person is None else [(ME, _("Me"))]
            others = [(one.person, one.name) for one in found.assignees]
            return {
                "breaks": found,
                "signs": context.acts.signs,
                "said": said.text,
                "refused": said.refused,
                "batch": said.batch or 0,
                "typed": said.typed,
                "type_choices": _labelled(TYPE_LABELS),
                "age_choices": _labelled(AGE_LABELS),
                "state_choices": _labelled(STANDING_LABELS),
                "sort_choices": _labelled(SORT_LABELS),
                "assignee_choices": [*own, (NOBODY, _("Nobody")), *others],
                "action_choices": [(name, action_text(*one)) for name, one in _ACTIONS.items()],
            } | _choices(connection)

        return pages.show(request, "work_list.html", look, said.status)

    @router.get("/breaks")
    def breaks(
        request: Request, after: Annotated[str | None, Query(max_length=40)] = None
    ) -> Response:
        filters = BreakFilters.from_fields(request.query_params)
        answer = show(request, filters, after)
        # The list that renews itself leaves the address alone.
        asked_by = request.headers.get("HX-Trigger")
        if "HX-Request" in request.headers and asked_by != "breaks-list":
            answer.headers["HX-Replace-Url"] = f"{site.root}/breaks{filters.query(after)}"
        return answer

    @router.post("/breaks/bulk")
    def bulk(request: Request, person: Worker, form: Filled) -> Response:
        """Assign what is selected, or propose for it."""
        filters = BreakFilters.from_query(form.text("query"))
        does = {"assign": _assign, "propose": _propose}.get(form.text("act"), _nothing)
        try:
            numbers = _selected(context, person, filters, form)
            with acting(request, person):
                said = does(context, person, numbers, form)
        except InputFault as fault:
            said = Said(said_fault(fault), typed=_typed(form), status=422)
        return show(request, filters, said=said)

    @router.post("/breaks/views")
    def save(request: Request, person: SignedIn, form: Filled) -> Response:
        return change_view(
            request,
            person,
            form,
            lambda connection, query: save_view(connection, person, form.text("name"), query),
        )

    @router.post("/breaks/views/{number}/delete")
    def delete(request: Request, number: Number, person: SignedIn, form: Filled) -> Response:
        return change_view(
            request,
            person,
            form,
            lambda connection, query: delete_view(connection, person, number),
        )

    def change_view(
        request: Request, person: Person, form: Form, change: Callable[[Connection, str], object]
    ) -> Response:
        filters = BreakFilters.from_query(form.text("query"))
        try:
            with writing(request, person) as connection:
                change(connection, filters.query())
        except UsageFault as fault:
            return show(request, filters, said=Said(said_fault(fault), status=422))
        return RedirectResponse(f"{site.root}/breaks{filters.query()}", 303)


def _labelled(labels: Mapping[Any, str]) -> list[tuple[str, str]]:
    return [(name, _(text)) for name, text in labels.items()]


def _choices(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    names = directory(connection)
    facilities = [one.id for one in names.facilities.values()]
    partners = [one.name for each in names.facilities.values() for one in each.partners]
    return {
        "facility_choices": [(one, one) for one in dict.fromkeys(facilities)],
        "partner_choices": [(one, one) for one in sorted(set(partners))],
    }


def _selected(context: Context, person: Person, filters: BreakFilters, form: Form) -> list[int]:
    """The numbers of the breaks that a form names. Raises UsageFault where it names none."""
    if form.text("all") == "true":
        with context.engine.connect() as connection:
            work = WorkList(connection, context.member)
            found = work.numbers(filters.for_query(person), MOST_SELECTED + 1)
    else:
        given = form.texts("pair")
        found = [number for one in given if (number := number_of(one)) is not None]
    if not found:
        raise UsageFault("no break is selected", remedy="Select some, or all that match")
    return found


def assignee(connection: Connection, form: Form) -> Person | None:
    """Whom a form assigns breaks to; None: nobody. Raises UsageFault."""
    given = form.text("to")
    to = None if given == NOBODY else active_person(connection, given)
    if to is None and given != NOBODY:
        raise UsageFault("there is nobody of this name", remedy="Choose somebody else")
    return to


def _assign(context: Context, person: Person, numbers: Sequence[int], form: Form) -> Said:
    with context.engine.begin() as connection:
        to = assignee(connection, form)
        changed = assign(connection, numbers, person.display_name, to)
    if to is None:
        text = ngettext(
            "%(num)s break is now assigned to nobody.",
            "%(num)s breaks are now assigned to nobody.",
            changed,
        )
    else:
        text = ngettext(
            "%(num)s break is now assigned to %(person)s.",
            "%(num)s breaks are now assigned to %(person)s.",
            changed,
            person=to.display_name,
        )
    return Said(text)


def _propose(context: Context, person: Person, numbers: Sequence[int], form: Form) -> Said:
    typed = _typed(form)
    if typed.action not in _ACTIONS:
        raise UsageFault("choose what to propose")
    if not typed.reason:
        raise UsageFault("say why: the reason is missing")
    if len(numbers) > MOST_IN_BATCH:
        raise UsageFault(
            f"{len(numbers):,} breaks are more than the {MOST_IN_BATCH} that are proposed at once",
            remedy="Select fewer",
        )
    action, side = _ACTIONS[typed.action]
    made = context.acts.prepare_batch(
        person,
        [
            ProposeResolutionIn(
                act="breaks.propose",
                pair=number,
                action=action,
                side=side,
                business_date=None,
                reason=typed.reason,
            )
            for number in numbers
        ],
    )
    refused = [
        RefusedBreak(number, said_fault(fault))
        for request, fault in made.refused
        if isinstance(request, ProposeResolutionIn) and (number := request.pair)
    ]
    count = len(made.prepared)
    text = ngettext("%(num)s proposal is prepared.", "%(num)s proposals are prepared.", count)
    if refused:
        text += _(" For %(count)s nothing could be prepared:", count=whole(len(refused)))
    return Said(text, refused, made.number, Typed() if count else typed, 200 if count else 422)


def _typed(form: Form) -> Typed:
    return Typed(form.text("to"), form.text("action"), form.text("reason").strip())


def _nothing(context: Context, person: Person, numbers: Sequence[int], form: Form) -> Said:
    raise UsageFault("this form asks for nothing that there is")
