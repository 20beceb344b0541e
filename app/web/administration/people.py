"""The page of people and their roles, and the page of their sessions."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from app.http.context import Context
from app.http.dual_control import Act, Change
from app.http.problems import Problem
from app.people import administration as acts
from app.people.directory import listed_people, listed_sessions
from app.people.roles import POWERFUL, ROLES
from app.web.administration.forms import Admin, Id, Tab
from app.web.forms import Filled
from app.web.pages import Pages

_ASKED: Mapping[str, Act] = {
    "roles": "person.roles",
    "enrolment": "person.enrolment",
    "enable": "person.enable",
}
"""Changes that may need another administrator, by the end of their address."""


def add_people(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""
    tab = Tab(
        context,
        pages,
        "people",
        "administration",
        lambda connection: {
            "people": listed_people(connection),
            "roles": ROLES,
            "powerful": POWERFUL,
        },
    )

    @router.get("/administration")
    def page(request: Request) -> Response:
        return tab.show(request)

    @router.post("/administration/people")
    def add(request: Request, admin: Admin, form: Filled) -> Response:
        change = Change(
            "person.add",
            name=form.text("name").strip().casefold(),
            display_name=form.text("display_name"),
            roles=tuple(form.texts("roles")),
        )
        return tab.change(request, admin, form, change)

    @router.post("/administration/people/{id}/{change}")
    def change(request: Request, admin: Admin, form: Filled, id: Id, change: str) -> Response:
        if change == "sign-out":
            return tab.perform(
                request,
                admin,
                None,
                lambda connection, by: acts.end_all_sessions(connection, by, id),
            )
        if change == "disable":
            return tab.perform(
                request, admin, form, lambda connection, by: acts.disable(connection, by, id)
            )
        act = _ASKED.get(change)
        if act is None:
            raise Problem(422, "invalid-request", "this cannot be done with a person")
        asked = Change(act, id, roles=tuple(form.texts("roles")) if change == "roles" else ())
        return tab.change(request, admin, form, asked)


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
    def end(request: Request, admin: Admin, form: Filled, id: Id) -> Response:
        return tab.perform(
            request, admin, None, lambda connection, by: acts.revoke_session(connection, by, id)
        )
