"""Report jobs by their ids, and their files as downloads, each noted in the audit trail."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse

from app.domain.errors import UsageFault
from app.http.keys import Key
from app.http.problems import Problem
from app.http.sending import record_export, send_file
from app.http.state import context_of
from app.people.person import Person
from app.report_jobs.store import ReportJob, one_job


def job_of(request: Request, id_: str) -> ReportJob:
    """Raises a 404 problem where there is none of that id."""
    with context_of(request).engine.connect() as connection:
        try:
            return one_job(connection, id_)
        except UsageFault as fault:
            raise Problem(404, "not-found", str(fault)) from None


def send_report(request: Request, who: Person | Key, id_: str) -> StreamingResponse:
    """The file of a job that was made. Raises a 404 problem where there is none."""
    job = job_of(request, id_)
    if job.state != "made":
        raise Problem(404, "not-found", "this report is not made")
    path = context_of(request).report_files.of_job(job.id)
    return _send(request, who, path, job.file_name, job.media_type, job=job.id, sha256=job.sha256)


def send_scheduled_report(request: Request, who: Person | Key, name: str) -> StreamingResponse:
    """One of the newest files that the node writes by its calendar. Raises a 404 problem."""
    files = context_of(request).report_files
    found = next((one for one in files.scheduled() if one.name == name), None)
    if found is None or files.schedule is None:
        raise Problem(404, "not-found", "there is no such file among the newest ones")
    return _send(request, who, files.schedule.folder / found.name, found.name, found.media_type)


def _send(
    request: Request, who: Person | Key, path: Path, name: str, media_type: str, **details: Any
) -> StreamingResponse:
    try:
        file = path.open("rb")
    except OSError:
        raise Problem(
            404, "not-found", "the file is not on this node any more; ask for it again"
        ) from None
    record_export(request, who, name, **details)
    return send_file(file, name, media_type)
