"""The pages of feeds: what was received, and the quarantine as a place to work."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.context import Context
from app.http.parameters import Number, SmallNumber
from app.locale import _
from app.readmodel.facilities.agreed import facilities_of
from app.readmodel.facilities.sight import in_force
from app.web.feeds_page import RowFilters, fault_text, feeds_page, row_page, rows_page
from app.web.pages import Pages
from app.web.text import whole

Text = Annotated[str | None, Query(max_length=4096, pattern=r"^[^\x00]*$")]


def add_feeds(router: APIRouter, context: Context, pages: Pages) -> None:
    """Their routes."""

    def row_filters(
        facility: Text = None,
        feed_id: Number | None = None,
        field: Text = None,
        reason: Text = None,
        show: str = "waiting",
    ) -> RowFilters:
        return RowFilters(
            facility, feed_id, field, reason, "dismissed" if show == "dismissed" else "waiting"
        )

    @router.get("/feeds")
    def feeds(
        request: Request,
        before: Number | None = None,
        accepted: SmallNumber | None = None,
        duplicate: SmallNumber | None = None,
        faulty: SmallNumber | None = None,
        changed: SmallNumber | None = None,
    ) -> Response:
        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            return {
                "page": feeds_page(connection, before),
                "said": _said(accepted, duplicate, faulty, changed),
                "own_facilities": _own_facilities(connection, context.bank),
            }

        return pages.show(request, "feeds.html", look)

    @router.get("/feeds/rows")
    def rows(
        request: Request,
        where: Annotated[RowFilters, Depends(row_filters)],
        before: Number | None = None,
    ) -> Response:
        return show_rows(pages, request, where, before)

    @router.get("/feeds/rows/{number}")
    def row(request: Request, number: Number) -> Response:
        return show_row(pages, request, number)


def show_rows(
    pages: Pages,
    request: Request,
    where: RowFilters,
    before: int | None,
    fault: str = "",
    why: str = "",
) -> Response:
    """Rows; where an act on all of them was refused, with the fault and what was typed."""

    def look(connection: Connection, now: datetime) -> dict[str, Any]:
        return {"page": rows_page(connection, where, before), "fault": fault, "why": why}

    answer = pages.show(request, "rows.html", look, 422 if fault else 200)
    if fault:
        answer.headers["HX-Push-Url"] = "false"  # the address says which rows
    return answer


def show_row(
    pages: Pages,
    request: Request,
    number: int,
    fault: str = "",
    typed: dict[str, str] | None = None,
    why: str = "",
) -> Response:
    """One row; where an act was refused, with the fault and what was typed."""

    def look(connection: Connection, now: datetime) -> dict[str, Any]:
        with suppress(UsageFault):
            page = row_page(connection, number, typed)
            return {"page": page, "fault": fault, "why": why, "fault_text": fault_text}
        return {"page": None}

    return pages.show(request, "row.html", look, 422 if fault else 200)


def _own_facilities(connection: Connection, bank: str) -> list[str]:
    """Those of which this bank sends events."""
    return [one.terms.id for one in facilities_of(connection, bank, in_force()) if one.active]


def _said(
    accepted: int | None, duplicate: int | None, faulty: int | None, changed: int | None
) -> str:
    """What became of the last act; empty where there was none."""
    if accepted is not None:
        return _(
            "%(accepted)s accepted, %(duplicate)s duplicate, %(faulty)s still faulty.",
            accepted=whole(accepted),
            duplicate=whole(duplicate or 0),
            faulty=whole(faulty or 0),
        )
    return "" if changed is None else _("%(count)s changed.", count=whole(changed))
