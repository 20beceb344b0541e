"""The page of API keys."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http import keys
from app.http.context import Context
from app.people.administration import Administrator
from app.web.administration.forms import Admin, Filled, Id, Made, Tab
from app.web.forms import Form
from app.web.pages import Pages

_LONGEST_NAME = 100


def add_keys(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""
    tab = Tab(
        context,
        pages,
        "keys",
        "administration/keys",
        lambda connection: {"keys": keys.list_keys(connection), "key_roles": keys.ROLES},
    )

    @router.get("/administration/keys")
    def page(request: Request) -> Response:
        return tab.show(request)

    @router.post("/administration/keys")
    async def make(request: Request, admin: Admin, form: Filled) -> Response:
        return await tab.perform(request, admin, lambda connection, _: _make(connection, form))

    @router.post("/administration/keys/{id}/revoke")
    async def revoke(request: Request, admin: Admin, form: Filled, id: Id) -> Response:
        def work(connection: Connection, by: Administrator) -> Made:
            if not keys.revoke(connection, id):
                raise UsageFault("this key is closed already")
            return {}

        return await tab.perform(request, admin, work)


def _make(connection: Connection, form: Form) -> Made:
    name, role = " ".join(form.text("name").split()), form.text("role")
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise UsageFault(f"a key's name has 1 to {_LONGEST_NAME} characters")
    for known in keys.ROLES:
        if known == role:
            key, text = keys.create(connection, name, known)
            return {"name": key.name, "key": text}
    raise UsageFault("choose what the key may do")
