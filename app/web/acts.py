"""The pages of prepared acts: what waits for a signature, one act, and the acts of a batch."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import InputFault, TallyError
from app.http.acting import acting
from app.http.context import Context
from app.http.parameters import Number
from app.http.problems import Problem
from app.http.signed_in import SignedIn, person_of
from app.http.signing import sign_act, sign_batch
from app.locale import capital, said
from app.people.person import Person
from app.prepared_acts.errors import UnknownAct
from app.prepared_acts.lifecycle import WAITING, State
from app.prepared_acts.store import batch_hash, batch_of, list_acts, one_act
from app.web.act_view import act_view
from app.web.break_acts import add_break_acts
from app.web.day_acts import add_day_acts, add_statement_acts
from app.web.forms import Filled
from app.web.pages import Pages, to_sign
from app.web.site import Site
from app.web.text import said_fault

_LINES = 50


def add_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """Their routes; a statement that is to be made before those that are there, as its address
    begins as theirs."""
    for add in (
        _add_acts,
        _add_one_act,
        _add_batch,
        add_break_acts,
        add_statement_acts,
        add_day_acts,
    ):
        add(router, context, site, pages)


def _add_acts(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    @router.get("/acts")
    def acts(request: Request) -> Response:
        person = person_of(request)

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
        person = person_of(request)

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
        person = person_of(request)

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
            return show(request, number, capital(said(str(problem.detail))), 422)
        except TallyError as fault:
            return show(request, number, said_fault(fault), 422)
        return RedirectResponse(f"{to}/{number}", 303)

    @router.post(f"{path}/{{number}}/withdraw")
    def withdraw_it(request: Request, number: Number, person: SignedIn, form: Filled) -> Response:
        try:
            with acting(request, person):
                withdraw(person, number)
        except InputFault as fault:
            return show(request, number, capital(said(fault.what)), 422)
        return RedirectResponse(f"{to}/{number}", 303)
