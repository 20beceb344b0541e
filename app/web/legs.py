"""The pages of legs: finding one, and its life."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.http.context import Context
from app.http.parameters import Number
from app.web.legs_page import BY, Search, leg_page, legs_page
from app.web.pages import Pages

Asked = Annotated[str, Query(max_length=80, pattern=r"^[^\x00]*$")]


def add_legs(router: APIRouter, context: Context, pages: Pages) -> None:
    """Their routes."""

    @router.get("/legs")
    def legs(
        request: Request,
        q: Asked = "",
        by: Asked = "",
        facility: Asked = "",
        partner: Asked = "",
        event: Asked = "",
        state: Asked = "",
        first: Annotated[date | None, Query(alias="from")] = None,
        last: Annotated[date | None, Query(alias="to")] = None,
        before: Number | None = None,
    ) -> Response:
        search = Search(q, by, facility, partner, event, state, first, last)
        return pages.show(
            request,
            "legs.html",
            lambda connection, _: {
                "page": legs_page(connection, search, before, context.references),
                "kinds": BY,
            },
        )

    @router.get("/legs/{number}")
    def leg(request: Request, number: Number) -> Response:
        return pages.show(
            request,
            "leg.html",
            lambda connection, _: {"page": leg_page(connection, number, context.bank)},
        )
