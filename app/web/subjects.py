"""The pages of one subject each: a break, an account, the days, the consortium."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.web.account_page import account_page
from app.web.break_page import break_page
from app.web.consortium_page import consortium_page
from app.web.days_page import day_page, day_rows
from app.web.pages import Pages

Number = Annotated[int, Path(ge=1, lt=2**63 - 1)]


def add_subjects(router: APIRouter, pages: Pages) -> None:
    """Their routes."""

    @router.get("/breaks/{number}")
    def one_break(request: Request, number: Number) -> Response:
        return pages.show(
            request,
            "break.html",
            lambda connection, now: {"page": break_page(connection, number, now)},
        )

    @router.get("/accounts/{facility}/{partner}")
    def account(request: Request, facility: str, partner: str) -> Response:
        return pages.show(
            request,
            "account.html",
            lambda connection, now: {"page": account_page(connection, facility, partner, now)},
        )

    @router.get("/days")
    def days(request: Request) -> Response:
        return pages.show(
            request, "days.html", lambda connection, _: {"days": day_rows(connection)}
        )

    @router.get("/days/{number}")
    def day(request: Request, number: Number) -> Response:
        return pages.show(
            request, "day.html", lambda connection, _: {"page": day_page(connection, number)}
        )

    @router.get("/consortium")
    def consortium(request: Request) -> Response:
        return pages.show(
            request, "consortium.html", lambda connection, _: {"page": consortium_page(connection)}
        )
