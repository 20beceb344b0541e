"""The page of reports: asked for here, made in the background, kept as files to download."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import TallyError, UsageFault
from app.http.acting import acting
from app.http.context import Context
from app.http.report_files import job_of, send_report, send_scheduled_report
from app.http.signed_in import allowed_to
from app.locale import N_, language, said
from app.people.person import Person
from app.readmodel.chain import position
from app.readmodel.directory import directory
from app.report_jobs import store
from app.report_jobs.asking import ask_again, ask_for, delete
from app.reports.catalogue import FORMATS
from app.reports.source import Request as Asked
from app.web.forms import Filled, number_of
from app.web.pages import Pages
from app.web.site import Site

TITLES = {
    "reconciliation": N_("Reconciliation"),
    "reserve-statement": N_("Reserve statement"),
    "break-ageing": N_("Break ageing"),
    "resolution-log": N_("Resolution log"),
    "day-closes": N_("Day closes"),
    "membership": N_("Membership"),
    "limits": N_("Limits"),
    "exceptions": N_("Exceptions"),
}
STATES = {
    "waiting": ("pending", N_("Waiting")),
    "making": ("pending", N_("Being made")),
    "made": ("good", N_("Done")),
    "failed": ("bad", N_("Failed")),
}
_FIELDS = ("report", "facility", "partner", "first", "last", "block", "format", "language")
"""A number of fewer digits is one that the database takes."""
_MOST_LETTERS = 200
"""Of a facility's or partner's name; none has so many."""

JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Exporter = Annotated[Person, Depends(allowed_to("export"))]


def add_reports(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """Their routes."""
    address = f"{site.root}/reports"

    @router.get("/reports")
    def reports(request: Request) -> Response:
        return _show(request, context, pages)

    @router.post("/reports")
    def ask(request: Request, person: Exporter, form: Filled) -> Response:
        """What is typed stays in the form where it is refused."""
        typed = {name: form.text(name).strip()[:_MOST_LETTERS] for name in _FIELDS}
        report, format_, language_ = (typed[name] for name in ("report", "format", "language"))
        try:
            with acting(request, person):
                ask_for(context.engine, report, _request(typed), format_, language_, person)
        except TallyError as fault:
            return _show(request, context, pages, said(str(fault)), typed)
        return RedirectResponse(address, 303)

    @router.post("/reports/{job_id}/again")
    def again(request: Request, person: Exporter, job_id: JobId, form: Filled) -> Response:
        """The same once more, in the place of one that failed."""
        try:
            with acting(request, person):
                ask_again(context.engine, job_of(request, job_id), person)
        except TallyError as fault:
            return _show(request, context, pages, said(str(fault)))
        return RedirectResponse(address, 303)

    @router.post("/reports/{job_id}/delete")
    def remove(request: Request, person: Exporter, job_id: JobId, form: Filled) -> Response:
        with acting(request, person):
            delete(context.engine, context.report_files, job_of(request, job_id), person)
        return RedirectResponse(address, 303)

    @router.get("/reports/{job_id}/file")
    def download(request: Request, person: Exporter, job_id: JobId) -> Response:
        return send_report(request, person, job_id)

    @router.get("/reports/scheduled/{name}")
    def download_scheduled(request: Request, person: Exporter, name: str) -> Response:
        return send_scheduled_report(request, person, name)


def _show(
    request: Request,
    context: Context,
    pages: Pages,
    fault: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    """The page; where something was refused, with the fault and what was typed."""
    files = context.report_files

    def look(connection: Connection, now: datetime) -> dict[str, Any]:
        read = position(connection)
        day = (read.block_time if read else now).date().isoformat()
        standard = dict.fromkeys(_FIELDS, "") | {
            "first": day,
            "last": day,
            "format": "xlsx",
            "language": language(),
        }
        return {
            "jobs": store.listed(connection),
            "facilities": [one.id for one in directory(connection).facilities.values()],
            "typed": standard if typed is None else typed,
            "fault": fault,
            "titles": TITLES,
            "states": STATES,
            "formats": list(FORMATS),
            "schedule": files.schedule or False,
            "scheduled_names": [
                said(TITLES[name]) for name in (files.schedule.names if files.schedule else ())
            ],
            "scheduled": files.scheduled(),
        }

    return pages.show(request, "reports.html", look, 422 if fault else 200, right="export")


def _request(typed: dict[str, str]) -> Asked:
    """Raises UsageFault for what is no date or no block."""
    block = typed["block"]
    number = number_of(block)
    if block and number is None:
        raise UsageFault(f"block {block!r} is no number", remedy="Give a block's number, or none")
    return Asked(
        facility=typed["facility"],
        first=_day(typed["first"]),
        last=_day(typed["last"]),
        partner=typed["partner"] or None,
        block=number,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageFault(
            f"{text!r} is no date", remedy="Give year, month and day as 2026-03-01"
        ) from None
