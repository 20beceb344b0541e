"""What people do with report jobs: ask for one, ask again, delete one."""

from sqlalchemy import Engine

from app.domain.errors import UsageFault
from app.people.person import Person
from app.report_jobs import store
from app.report_jobs.files import ReportFiles
from app.report_jobs.store import ReportJob
from app.reports.source import Request, open_source


def ask_for(
    engine: Engine, report: str, request: Request, format_: str, language: str, person: Person
) -> ReportJob:
    """A job that waits to be made. Raises UsageFault as `store.ask`, and where what the request
    names is not there."""
    with open_source(engine, request):
        pass
    with engine.begin() as connection:
        id_ = store.ask(connection, report, request, format_, language, person.name)
        return store.one_job(connection, id_)


def ask_again(engine: Engine, job: ReportJob, person: Person) -> ReportJob:
    """The same once more, in the place of one that failed. Raises UsageFault."""
    if job.state != "failed":
        raise UsageFault("this report did not fail", remedy="Ask for a new one")
    with engine.begin() as connection:
        store.remove(connection, job, person.actor)
        id_ = store.ask(connection, job.report, job.request, job.format, job.language, person.name)
        return store.one_job(connection, id_)


def delete(engine: Engine, files: ReportFiles, job: ReportJob, person: Person) -> None:
    """Forget a job and its file; one that is being made ends soon after."""
    files.of_job(job.id).unlink(missing_ok=True)
    with engine.begin() as connection:
        store.remove(connection, job, person.actor)
