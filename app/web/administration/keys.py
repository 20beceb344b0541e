"""The page of API keys."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http import keys
from app.http.context import Context
from app.http.dual_control import POWERFUL_KEYS, Change
from app.people.administration import Administrator
from app.web.administration.forms import Admin, Id, Tab
from app.web.forms import Filled
from app.web.pages import Pages


def add_keys(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""
    tab = Tab(
        context,
        pages,
        "keys",
        "administration/keys",
        lambda connection: {
            "keys": keys.list_keys(connection),
            "key_roles": keys.ROLES,
            "powerful": POWERFUL_KEYS,
        },
    )

    @router.get("/administration/keys")
    def page(request: Request) -> Response:
        return tab.show(request)

    @router.post("/administration/keys")
    def make(request: Request, admin: Admin, form: Filled) -> Response:
        name = form.text("name")
        return tab.change(
            request, admin, form, Change("key.create", name=name, roles=(form.text("role"),))
        )

    @router.post("/administration/keys/{id}/revoke")
    def revoke(request: Request, admin: Admin, form: Filled, id: Id) -> Response:
        def work(connection: Connection, by: Administrator) -> None:
            if not keys.revoke(connection, id):
                raise UsageFault("this key is closed already")

        return tab.perform(request, admin, form, work)
