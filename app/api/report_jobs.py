"""Reports made in the background, and those that the node writes by its calendar."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse

from app.api.bodies import body, takes
from app.api.etags import BY_BODY, TaggedByBody
from app.api.reading import reading
from app.api.reports import REPORT_FILE
from app.api.responses import WITH_BODY
from app.api.security import EXPORT, Exporter
from app.http.acting import acting
from app.http.report_files import job_of, send_report, send_scheduled_report
from app.http.state import context_of
from app.people.person import Person
from app.presentation.report_jobs import (
    ReportJobIn,
    ReportJobOut,
    ReportJobsOut,
    ScheduledReportsOut,
    report_job_out,
    scheduled_reports_out,
)
from app.report_jobs import store
from app.report_jobs.asking import ask_again, ask_for, delete
from app.reports.source import Request as Asked

router = APIRouter(prefix="/v1", tags=["reports"], route_class=TaggedByBody)

JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Asker = Annotated[Person, EXPORT]


@router.get("/report-jobs", dependencies=[BY_BODY], summary="Reports made in the background")
def list_jobs(request: Request, who: Exporter) -> ReportJobsOut:
    """Those that wait, are being made, were made or failed."""
    with reading(request) as connection:
        return ReportJobsOut(items=[report_job_out(one) for one in store.listed(connection)])


@router.post("/report-jobs", status_code=201, summary="Ask for a report", **takes(ReportJobIn))
def add_job(
    request: Request, person: Asker, asked: Annotated[ReportJobIn, body(ReportJobIn)]
) -> ReportJobOut:
    """One is made after the other: GET the job until its state is `made`, then its file."""
    what = Asked(
        facility=asked.facility,
        first=asked.first,
        last=asked.last,
        partner=asked.partner,
        block=asked.block,
    )
    engine = context_of(request).engine
    with acting(request, person):
        return report_job_out(
            ask_for(engine, asked.report, what, asked.format, asked.language, person)
        )


@router.get("/report-jobs/{id}", dependencies=[BY_BODY], summary="One report and how far it is")
def show_job(request: Request, who: Exporter, id: JobId) -> ReportJobOut:
    """Its state and progress."""
    return report_job_out(job_of(request, id))


@router.get(
    "/report-jobs/{id}/file",
    summary="The file of a report",
    response_class=StreamingResponse,
    responses=REPORT_FILE,
)
def download_job(request: Request, who: Exporter, id: JobId) -> StreamingResponse:
    """404 while it is not made. Each download is a row of the audit trail."""
    return send_report(request, who, id)


@router.post(
    "/report-jobs/{id}:again",
    status_code=201,
    summary="Make a report that failed again",
    responses=WITH_BODY,
)
def repeat_job(request: Request, person: Asker, id: JobId) -> ReportJobOut:
    """A new job in the place of the one that failed."""
    with acting(request, person):
        job = ask_again(context_of(request).engine, job_of(request, id), person)
    return report_job_out(job)


@router.delete("/report-jobs/{id}", status_code=204, summary="Delete a report and its file")
def delete_job(request: Request, person: Asker, id: JobId) -> None:
    """One that is being made ends."""
    context = context_of(request)
    with acting(request, person):
        delete(context.engine, context.report_files, job_of(request, id), person)


@router.get(
    "/scheduled-reports",
    dependencies=[BY_BODY],
    summary="Reports that the node writes by its calendar",
)
def list_scheduled(request: Request, who: Exporter) -> ScheduledReportsOut:
    """What `[reports]` of `bank.toml` asks for, and the newest files of it."""
    files = context_of(request).report_files
    return scheduled_reports_out(files.schedule, files.scheduled())


@router.get(
    "/scheduled-reports/{name}",
    summary="The file of a scheduled report",
    response_class=StreamingResponse,
    responses=REPORT_FILE,
)
def download_scheduled(request: Request, who: Exporter, name: str) -> StreamingResponse:
    """One of the newest. Each download is a row of the audit trail."""
    return send_scheduled_report(request, who, name)
