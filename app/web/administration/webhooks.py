"""The page of webhooks: endpoints, and what became of each event there."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.context import Context
from app.http.dual_control import Made
from app.http.parameters import Number
from app.people.administration import Administrator
from app.web.administration.forms import Admin, Id, Tab
from app.web.forms import Filled
from app.web.pages import Pages
from app.webhooks.deliveries import listed_deliveries, replay
from app.webhooks.endpoints import endpoints, register, remove, rotate
from app.webhooks.events import EVENT_TYPES

_DELIVERIES = 50


def add_webhooks(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""
    tab = Tab(
        context,
        pages,
        "webhooks",
        "administration/webhooks",
        lambda connection: {
            "endpoints": endpoints(connection),
            "event_types": EVENT_TYPES,
            "deliveries": listed_deliveries(connection, limit=_DELIVERIES),
        },
    )

    @router.get("/administration/webhooks")
    def page(request: Request) -> Response:
        return tab.show(request)

    @router.post("/administration/webhooks")
    def make(request: Request, admin: Admin, form: Filled) -> Response:
        def work(connection: Connection, by: Administrator) -> Made:
            endpoint, secret = register(
                connection,
                form.text("url").strip(),
                form.texts("events"),
                development=context.development,
            )
            return {"url": endpoint.url, "secret": secret}

        return tab.perform(request, admin, form, work)

    @router.post("/administration/webhooks/deliveries/{number}")
    def send_again(
        request: Request,
        admin: Admin,
        form: Filled,
        number: Number,
    ) -> Response:
        def work(connection: Connection, by: Administrator) -> None:
            replay(connection, number)

        return tab.perform(request, admin, None, work)

    @router.post("/administration/webhooks/{id}/{change}")
    def change(request: Request, admin: Admin, form: Filled, id: Id, change: str) -> Response:
        def work(connection: Connection, by: Administrator) -> Made | None:
            if change == "rotate":
                endpoint, secret = rotate(connection, id)
                return {"url": endpoint.url, "secret": secret}
            if change == "replay":
                replay(connection, endpoint=id)
            elif change == "remove":
                remove(connection, id)
            else:
                raise UsageFault("this cannot be done with an endpoint")
            return None

        return tab.perform(request, admin, None if change == "replay" else form, work)
