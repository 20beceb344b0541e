"""The pages of one subject each on which nobody acts: an account, the days, the consortium."""

from fastapi import APIRouter, Request, Response

from app.web.account_page import account_page
from app.web.consortium_page import consortium_page
from app.web.days_page import day_rows
from app.web.pages import Pages


def add_subjects(router: APIRouter, pages: Pages) -> None:
    """Their routes."""

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

    @router.get("/consortium")
    def consortium(request: Request) -> Response:
        return pages.show(
            request, "consortium.html", lambda connection, _: {"page": consortium_page(connection)}
        )
