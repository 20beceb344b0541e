"""The page of what waits for another administrator."""

from fastapi import APIRouter, Request, Response

from app.http.context import Context
from app.http.dual_control import Waiting, confirm, refuse, waiting
from app.http.parameters import SmallNumber
from app.locale import N_, _, said
from app.web.administration.forms import Admin, Tab
from app.web.forms import Filled
from app.web.pages import Pages

_ADDRESS = "administration/requests"
_TEXTS = {
    "person.add": N_("Add %(name)s, shown as “%(shown)s”: %(roles)s"),
    "person.roles": N_("Give %(name)s other roles: %(roles)s (now: %(before)s)"),
    "person.enrolment": N_("Have %(name)s enrol anew (%(before)s)"),
    "person.enable": N_("Open the account of %(name)s again (%(before)s)"),
    "key.create": N_("Make the API key “%(name)s”: %(roles)s"),
}


def add_requests(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""
    tab = Tab(
        context,
        pages,
        "requests",
        _ADDRESS,
        lambda connection: {"waiting": [(one, _words(one)) for one in waiting(connection)]},
    )

    @router.get(f"/{_ADDRESS}")
    def page(request: Request) -> Response:
        return tab.show(request)

    @router.post(f"/{_ADDRESS}/{{number}}/confirm")
    def confirm_one(request: Request, admin: Admin, form: Filled, number: SmallNumber) -> Response:
        return tab.perform(
            request, admin, form, lambda connection, by: confirm(connection, by, number)
        )

    @router.post(f"/{_ADDRESS}/{{number}}/refuse")
    def refuse_one(request: Request, admin: Admin, form: Filled, number: SmallNumber) -> Response:
        return tab.perform(
            request, admin, None, lambda connection, by: refuse(connection, by, number)
        )


def _words(found: Waiting) -> str:
    """What is asked for, in one sentence."""
    change = found.change
    return _(
        _TEXTS[change.act],
        name=change.name,
        shown=change.display_name,
        roles=", ".join(map(said, change.roles)),
        before=", ".join(map(said, found.before)),
    )
