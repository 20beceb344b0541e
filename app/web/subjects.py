"""The pages of one subject each on which nobody acts."""

from fastapi import APIRouter, Request, Response

from app.web.account_page import account_page
from app.web.consortium_page import consortium_page
from app.web.days_page import day_rows
from app.web.facilities_page import facility_lines, facility_page
from app.web.forecast_page import account_forecast_page, forecast_lines
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

    @router.get("/forecast")
    def forecast(request: Request) -> Response:
        return pages.show(
            request,
            "forecast.html",
            lambda connection, now: {"lines": forecast_lines(connection, now)},
        )

    @router.get("/forecast/{facility}/{partner}")
    def account_forecast(request: Request, facility: str, partner: str) -> Response:
        return pages.show(
            request,
            "account_forecast.html",
            lambda connection, now: {
                "page": account_forecast_page(connection, facility, partner, now)
            },
        )

    @router.get("/facilities")
    def facilities(request: Request) -> Response:
        return pages.show(
            request,
            "facilities.html",
            lambda connection, _: {"facilities": facility_lines(connection)},
        )

    @router.get("/facilities/{facility}")
    def facility(request: Request, facility: str) -> Response:
        return pages.show(
            request,
            "facility.html",
            lambda connection, _: {"page": facility_page(connection, facility)},
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
