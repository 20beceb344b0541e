"""The pages on which people act: what waits for a signature, one act, and the forms of breaks and
days."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import InputFault, TallyError, UsageFault
from app.http.context import Context
from app.http.problems import Problem
from app.http.signed_in import allowed_to, as_person, open_session, signed_in
from app.http.signing import sign_act, sign_batch
from app.locale import _, capital, said
from app.people.person import Person
from app.prepared_acts.errors import UnknownAct
from app.prepared_acts.lifecycle import WAITING, State
from app.prepared_acts.store import batch_hash, batch_of, list_acts, one_act
from app.readmodel.accounts.balances import balances
from app.readmodel.directory import directory
from app.web.acting import (
    Refused,
    Typed,
    act_view,
    break_acting,
    day_acting,
    prepare_as_asked,
    statement_acting,
)
from app.web.break_page import break_page
from app.web.days_page import day_page
from app.web.forms import Form, signed_form
from app.web.pages import Pages, to_sign
from app.web.site import Site
from app.web.work_list import assignee
from app.worklist.notes import assign, comment

_LINES = 50

Number = Annotated[int, Path(ge=1, lt=2**63 - 1)]
DayNumber = Annotated[int, Path(ge=1, lt=2**31 - 1)]
SignedIn = Annotated[Person, Depends(signed_in)]
Worker = Annotated[Person, Depends(allowed_to("work"))]
Filled = Annotated[Form, Depends(signed_form)]


def add_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """Their routes; a statement that is to be made before those that are there, as its address
    begins as theirs."""
    for add in (_add_acts, _add_one_act, _add_batch, _add_break, _add_statement, _add_day):
        add(router, context, site, pages)


def _add_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    @router.get("/acts")
    def acts(request: Request) -> Response:
        person = _person(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            waiting = list_acts(connection, states=WAITING, limit=_LINES)
            found = list_acts(connection, limit=_LINES)
            return {
                "waiting": [act_view(connection, context, one, person) for one in waiting],
                "ended": [
                    act_view(connection, context, one, person)
                    for one in found
                    if one.state not in WAITING
                ],
                "signs": context.acts.signs,
            }

        return pages.show(request, "acts.html", look)

    @router.get("/acts/count")
    def count(request: Request, person: SignedIn) -> HTMLResponse:
        with context.engine.connect() as connection:
            return site.html("to_sign.html", to_sign=to_sign(connection, person))


def _add_one_act(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    def show_act(request: Request, number: int, error: str = "", status: int = 200) -> Response:
        person = _person(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            try:
                act = one_act(connection, number)
            except UnknownAct:
                return {"act": None}
            return {"act": act_view(connection, context, act, person), "sign_error": error}

        return pages.show(request, "act.html", look, status)

    @router.get("/acts/{number}")
    def one(request: Request, number: Number) -> Response:
        return show_act(request, number)

    _add_signing(
        router,
        f"{site.root}/acts",
        "/acts",
        show_act,
        sign_act,
        context.acts.withdraw,
    )


def _add_batch(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    def show_batch(request: Request, number: int, error: str = "", status: int = 200) -> Response:
        person = _person(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            try:
                acts = batch_of(connection, number)
            except UnknownAct:
                return {"acts": None}
            views = [act_view(connection, context, one, person) for one in acts]
            return {
                "number": number,
                "acts": views,
                "hash": batch_hash(acts),
                "waiting": [one for one in views if one.out.state is State.PREPARED],
                "sign_error": error,
            }

        return pages.show(request, "batch.html", look, status)

    @router.get("/acts/batches/{number}")
    def one_batch(request: Request, number: Number) -> Response:
        return show_batch(request, number)

    def withdraw(person: Person, number: int) -> None:
        """All of it that waits."""
        with context.engine.connect() as connection:
            acts = batch_of(connection, number)
        for one in acts:
            if one.state is State.PREPARED:
                context.acts.withdraw(person, one.number)

    _add_signing(
        router, f"{site.root}/acts/batches", "/acts/batches", show_batch, sign_batch, withdraw
    )


def _add_signing(
    router: APIRouter,
    to: str,
    path: str,
    show: Callable[[Request, int, str, int], Response],
    sign: Callable[[Request, Person, int, str, str], object],
    withdraw: Callable[[Person, int], object],
) -> None:
    """The forms that sign and withdraw what has a number behind `path`; `to` is its address."""

    @router.post(f"{path}/{{number}}/sign")
    def sign_it(request: Request, number: Number, person: SignedIn, form: Filled) -> Response:
        try:
            sign(request, person, number, form.text("hash"), form.text("code").strip())
        except Problem as problem:
            if problem.status_code in (401, 404):
                raise
            return show(request, number, _sentence(str(problem.detail)), 422)
        except TallyError as fault:
            return show(request, number, _sentence(f"{fault.what}. {fault.remedy}"), 422)
        return RedirectResponse(f"{to}/{number}", 303)

    @router.post(f"{path}/{{number}}/withdraw")
    def withdraw_it(request: Request, number: Number, person: SignedIn, form: Filled) -> Response:
        try:
            with as_person(request, person):
                withdraw(person, number)
        except InputFault as fault:
            return show(request, number, _sentence(fault.what), 422)
        return RedirectResponse(f"{to}/{number}", 303)


def _add_break(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    def show_break(
        request: Request,
        number: int,
        refused: Refused = _NOTHING_REFUSED,
        note: str = "",
        note_error: str = "",
    ) -> Response:
        person = _person(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            page = break_page(connection, number, now, context.member, context.bank)
            if page is None:
                return {"page": None}
            acts_of_it = list_acts(connection, pair=number, limit=_LINES)
            return {
                "page": page,
                "acting": break_acting(
                    connection, context, page, person, refused.typed, refused.error
                ),
                "acts": [act_view(connection, context, one, person) for one in acts_of_it],
                "note_typed": note,
                "note_error": note_error,
            }

        return pages.show(request, "break.html", look, 422 if note_error else refused.status)

    @router.get("/breaks/{number}")
    def one_break(request: Request, number: Number) -> Response:
        return show_break(request, number)

    @router.post("/breaks/{number}/acts")
    def act_on_break(request: Request, number: Number, person: SignedIn, form: Filled) -> Response:
        with as_person(request, person):
            made = prepare_as_asked(context, person, form, {"pair": number})
        if isinstance(made, Refused):
            return show_break(request, number, made)
        return RedirectResponse(f"{site.root}/breaks/{number}", 303)

    @router.post("/breaks/{number}/comments")
    def add_comment(request: Request, number: Number, person: Worker, form: Filled) -> Response:
        text = form.text("text")
        try:
            with as_person(request, person), context.engine.begin() as connection:
                comment(connection, number, person.display_name, text)
        except UsageFault as fault:
            return show_break(request, number, note=text, note_error=_sentence(fault.what))
        return RedirectResponse(f"{site.root}/breaks/{number}", 303)

    @router.post("/breaks/{number}/assign")
    def assign_break(request: Request, number: Number, person: Worker, form: Filled) -> Response:
        try:
            with as_person(request, person), context.engine.begin() as connection:
                assign(connection, [number], person.display_name, assignee(connection, form))
        except UsageFault as fault:
            return show_break(request, number, note_error=_sentence(fault.what))
        return RedirectResponse(f"{site.root}/breaks/{number}", 303)


def _add_statement(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    def show_statement(
        request: Request, facility: str, partner: str, day: str, refused: Refused | None = None
    ) -> Response:
        person = _person(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            values: dict[str, Any] = {
                "accounts": _own_accounts(connection, context.bank),
                "chosen": (facility, partner),
                "day": day or now.date().isoformat(),
                "acting": False,
                "facts": {},
                "error": "",
            }
            if not facility:
                return values
            error = refused.error if refused else ""
            try:
                on = date.fromisoformat(day)
                acting, facts = statement_acting(
                    connection, context, facility, partner, on, person, error
                )
            except ValueError:
                return values | {"error": _("The day is a date, as 2026-03-02.")}
            except UsageFault as fault:
                return values | {"error": _sentence(f"{fault.what}. {fault.remedy}")}
            if acting.form is None:  # which would say it
                values["error"] = error
            return values | {"acting": acting, "facts": facts}

        return pages.show(request, "close_day.html", look, refused.status if refused else 200)

    @router.get("/days/close")
    def statement(
        request: Request,
        account: Annotated[str, Query(max_length=200)] = "",
        day: Annotated[str, Query(max_length=10)] = "",
    ) -> Response:
        facility, _slash, partner = account.partition(" / ")
        return show_statement(request, facility, partner, day)

    @router.post("/days/close")
    def close(request: Request, person: SignedIn, form: Filled) -> Response:
        with as_person(request, person):
            made = prepare_as_asked(context, person, form)
        if isinstance(made, Refused):
            facility, partner = form.text("facility"), form.text("partner")
            return show_statement(request, facility, partner, form.text("day"), made)
        return RedirectResponse(f"{site.root}/acts/{made.number}", 303)


def _add_day(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    def show_day(request: Request, number: int, refused: Refused = _NOTHING_REFUSED) -> Response:
        person = _person(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            return {
                "page": day_page(connection, number),
                "acting": day_acting(
                    connection, context, number, person, refused.typed, refused.error
                ),
            }

        return pages.show(request, "day.html", look, refused.status)

    @router.get("/days/{number}")
    def one_day(request: Request, number: DayNumber) -> Response:
        return show_day(request, number)

    @router.post("/days/{number}/acts")
    def act_on_day(request: Request, number: DayNumber, person: SignedIn, form: Filled) -> Response:
        with as_person(request, person):
            made = prepare_as_asked(context, person, form)
        if isinstance(made, Refused):
            return show_day(request, number, made)
        return RedirectResponse(f"{site.root}/days/{number}", 303)


_NOTHING_REFUSED = Refused(Typed(), "", 200)


def _own_accounts(connection: Connection, bank: str) -> list[tuple[str, str]]:
    """Those whose days this bank closes, by facility and partner."""
    names = directory(connection)
    return [
        (one.facility, one.partner)
        for one in balances(connection)
        if (facility := names.facility(one.facility)) and bank in (facility.lead, one.partner)
    ]


def _person(request: Request) -> Person | None:
    found = open_session(request)
    return found.person if found else None


def _sentence(text: str) -> str:
    return capital(said(text.strip()))
