"""The page of people and their roles, and the page of their sessions."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.context import Context
from app.people import administration as acts
from app.people.administration import Administrator
from app.people.directory import listed_people, listed_sessions
from app.people.roles import ROLES
from app.web.administration.forms import Admin, Filled, Id, Made, Tab
from app.web.forms import Form
from app.web.pages import Pages


def add_people(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""
    tab = Tab(
        context,
        pages,
        "people",
        "administration",
        lambda connection: {"people": listed_people(connection), "roles": ROLES},
    )

    @router.get("/administration")
    def page(request: Request) -> Response:
        return tab.show(request)

    @router.post("/administration/people")
    async def add(request: Request, admin: Admin, form: Filled) -> Response:
        return await tab.perform(
            request, admin, lambda connection, by: _add_person(connection, by, form)
        )

    @router.post("/administration/people/{id}/{change}")
    async def change(request: Request, admin: Admin, form: Filled, id: Id, change: str) -> Response:
        return await tab.perform(
            request, admin, lambda connection, by: _change(connection, by, id, change, form)
        )


def add_sessions(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""
    tab = Tab(
        context,
        pages,
        "sessions",
        "administration/sessions",
        lambda connection: {
            "sessions": listed_sessions(connection, context.session_lengths),
            "lengths": context.session_lengths,
        },
    )

    @router.get("/administration/sessions")
    def page(request: Request) -> Response:
        return tab.show(request)

    @router.post("/administration/sessions/{id}/end")
    async def end(request: Request, admin: Admin, form: Filled, id: Id) -> Response:
        def work(connection: Connection, by: Administrator) -> Made:
            acts.revoke_session(connection, by, id)
            return {}

        return await tab.perform(request, admin, work)


def _add_person(connection: Connection, by: Administrator, form: Form) -> Made:
    person = acts.add_person(
        connection, by, form.text("name"), form.text("display_name"), form.texts("roles")
    )
    return {"name": person.name, "code": acts.give_enrolment(connection, by, person.id)}


def _change(connection: Connection, by: Administrator, id: str, change: str, form: Form) -> Made:
    if change == "roles":
        acts.set_roles(connection, by, id, form.texts("roles"))
    elif change == "enrolment":
        return {"name": form.text("name"), "code": acts.give_enrolment(connection, by, id)}
    elif change == "disable":
        acts.disable(connection, by, id)
    elif change == "sign-out":
        acts.end_all_sessions(connection, by, id)
    elif change == "enable":
        acts.enable(connection, by, id)
    else:
        raise UsageFault("this cannot be done with a person")
    return {}
