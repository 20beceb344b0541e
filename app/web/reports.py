"""The page of reports: asked for here, made in the background, kept as files to download."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from app.audit.trail import Entry, append
from app.domain.errors import TallyError, UsageFault
from app.http.context import Context
from app.http.problems import Problem
from app.http.sending import send_file
from app.http.signed_in import address_of, allowed_to
from app.locale import N_, language, said
from app.people.person import Person
from app.readmodel.chain import position
from app.readmodel.directory import directory
from app.report_jobs import store
from app.report_jobs.store import ReportJob
from app.reports.catalogue import FORMATS
from app.reports.model import title_of
from app.reports.source import Request as Asked
from app.reports.source import open_source
from app.web.as_person import acting
from app.web.forms import Form, signed_form
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
    "made": ("good", N_("Made")),
    "failed": ("bad", N_("Failed")),
}
_FIELDS = ("report", "facility", "partner", "first", "last", "block", "format", "language")
_DIGITS = 19
"""A number of fewer digits is one that the database takes."""
_MOST_LETTERS = 200
"""Of a facility's or partner's name; none has so many."""

JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Exporter = Annotated[Person, Depends(allowed_to("export"))]
Sent = Annotated[Form, Depends(signed_form)]


def add_reports(router: APIRouter, context: Context, site: Site, pages: Pages) -> None:
    """Their routes."""
    address = f"{site.root}/reports"

    async def asking(
        request: Request,
        person: Person,
        work: Callable[[], None],
        typed: dict[str, str] | None = None,
    ) -> Response:
        try:
            await acting(request, person, work)
        except TallyError as fault:
            why = said(str(fault))
            return await run_in_threadpool(_show, request, context, pages, why, typed)
        return RedirectResponse(address, 303)

    @router.get("/reports")
    def reports(request: Request) -> Response:
        return _show(request, context, pages)

    @router.post("/reports")
    async def ask(request: Request, person: Exporter, form: Sent) -> Response:
        """What is typed stays in the form where it is refused."""
        typed = {name: form.text(name).strip()[:_MOST_LETTERS] for name in _FIELDS}

        def work() -> None:
            asked = _request(typed)
            with open_source(context.engine, asked):  # what it names is known here
                pass
            with context.engine.begin() as connection:
                store.ask(
                    connection,
                    typed["report"],
                    asked,
                    typed["format"],
                    typed["language"],
                    person.name,
                )

        return await asking(request, person, work, typed)

    @router.post("/reports/{job_id}/again")
    async def again(request: Request, person: Exporter, job_id: JobId, form: Sent) -> Response:
        """The same once more, in the place of one that failed."""

        def work() -> None:
            job = _job(context, job_id)
            if job.state != "failed":
                raise UsageFault("this report did not fail", remedy="Ask for a new one")
            with context.engine.begin() as connection:
                store.remove(connection, job, f"person:{person.name}")
                store.ask(
                    connection, job.report, job.request, job.format, job.language, person.name
                )

        return await asking(request, person, work)

    @router.post("/reports/{job_id}/delete")
    async def delete(request: Request, person: Exporter, job_id: JobId, form: Sent) -> Response:
        def work() -> None:
            job = _job(context, job_id)
            context.report_files.of_job(job.id).unlink(missing_ok=True)
            with context.engine.begin() as connection:
                store.remove(connection, job, f"person:{person.name}")

        return await asking(request, person, work)

    _add_files(router, context)


def _add_files(router: APIRouter, context: Context) -> None:
    files = context.report_files

    @router.get("/reports/{job_id}/file")
    def download(request: Request, person: Exporter, job_id: JobId) -> Response:
        job = _job(context, job_id)
        if job.state != "made":
            raise Problem(404, "not-found", "this report is not made")
        path, kind = files.of_job(job.id), FORMATS[job.format].media_type
        return send(request, person, path, job.file_name, kind, job=job.id, sha256=job.sha256)

    @router.get("/reports/scheduled/{name}")
    def download_scheduled(request: Request, person: Exporter, name: str) -> Response:
        found = next((one for one in files.scheduled() if one.name == name), None)
        if found is None or files.schedule is None:
            raise Problem(404, "not-found", "there is no such file among the newest ones")
        path = files.schedule.folder / found.name
        return send(request, person, path, found.name, found.media_type)

    def send(
        request: Request, person: Person, path: FilePath, name: str, kind: str, **more: Any
    ) -> Response:
        try:
            file = path.open("rb")
        except OSError:
            raise Problem(
                404, "not-found", "the file is not on this node any more; ask for it again"
            ) from None
        entry = Entry(f"person:{person.name}", "export", name, address=address_of(request))
        with context.engine.begin() as connection:
            append(connection, entry.with_details(**more))
        return send_file(file, name, kind)


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
            "title_of": title_of,
            "schedule": files.schedule or False,
            "scheduled_names": [
                said(TITLES[name]) for name in (files.schedule.names if files.schedule else ())
            ],
            "scheduled": files.scheduled(),
        }

    return pages.show(request, "reports.html", look, 422 if fault else 200, right="export")


def _job(context: Context, id_: str) -> ReportJob:
    with context.engine.connect() as connection:
        found = store.find(connection, id_)
    if found is None:
        raise Problem(404, "not-found", "there is no such report; it may have been deleted")
    return found


def _request(typed: dict[str, str]) -> Asked:
    """Raises UsageFault for what is no date or no block."""
    block = typed["block"]
    if block and not (block.isascii() and block.isdigit() and len(block) < _DIGITS):
        raise UsageFault(f"block {block!r} is no number", remedy="Give a block's number, or none")
    return Asked(
        facility=typed["facility"],
        first=_day(typed["first"]),
        last=_day(typed["last"]),
        partner=typed["partner"] or None,
        block=int(block) if block else None,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageFault(
            f"{text!r} is no date", remedy="Give year, month and day as 2026-03-01"
        ) from None
