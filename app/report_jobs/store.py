"""Report jobs as the database keeps them. What is kept is bounded: jobs, files and their bytes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from app.audit.trail import Entry, append
from app.db.clock import now, stamp
from app.domain.errors import UsageFault
from app.locale import LANGUAGES
from app.report_jobs.tables import report_jobs
from app.reports.catalogue import FORMATS, REPORTS, file_name
from app.reports.source import Request

MOST_WAITING = 10
MOST_KEPT = 100
"""Jobs in all, failed ones too."""
MOST_BYTES = 512 * 1024 * 1024
"""Of one file."""
MOST_BYTES_KEPT = 2 * 1024 * 1024 * 1024

State = Literal["waiting", "making", "made", "failed"]
_J = report_jobs.c


@dataclass(frozen=True, slots=True)
class ReportJob:
    """A report that somebody asked for. Times are ISO 8601, UTC.

    `section` and `lines`: how far it has come while it is being made. `as_of`, `size` (bytes) and
    `sha256`: of one that was made. `why` it failed; empty where it did not.
    """

    id: str
    report: str
    request: Request
    format: str
    language: str
    asked_by: str
    asked_at: str
    state: State
    section: str
    lines: int
    ended_at: str | None
    as_of: int | None
    size: int | None
    sha256: str | None
    why: str

    @property
    def file_name(self) -> str:
        return file_name(self.report, self.request, FORMATS[self.format])

    @property
    def media_type(self) -> str:
        return FORMATS[self.format].media_type


def ask(
    connection: Connection, report: str, request: Request, format_: str, language: str, by: str
) -> str:
    """Add a job, asked for by a person's user name; returns its id. Raises UsageFault for a report,
    format or language that is none of ours, and where too much waits or is kept."""
    for what, name, known in (
        ("report", report, REPORTS),
        ("format", format_, FORMATS),
        ("language", language, LANGUAGES),
    ):
        if name not in known:
            raise UsageFault(
                f"{what} {name!r} is none of ours", remedy=f"There are: {', '.join(known)}"
            )
    waiting = connection.execute(
        select(func.count()).where(_J.state.in_(("waiting", "making")))
    ).scalar_one()
    if waiting >= MOST_WAITING:
        raise UsageFault(
            f"{waiting} reports wait already", remedy="Wait until some are made, or delete some"
        )
    kept = connection.execute(select(func.count()).select_from(report_jobs)).scalar_one()
    if kept >= MOST_KEPT:
        raise UsageFault(f"{kept} reports are kept already", remedy="Delete some first")
    check_room(connection)
    made = secrets.token_hex(8)
    connection.execute(
        insert(report_jobs).values(
            id=made,
            report=report,
            facility=request.facility,
            partner=request.partner,
            first=request.first.isoformat(),
            last=request.last.isoformat(),
            block=request.block,
            format=format_,
            language=language,
            asked_by=by,
            asked_at=stamp(now()),
            state="waiting",
            section="",
            lines=0,
            why="",
        )
    )
    return made


def check_room(connection: Connection) -> None:
    """Raises UsageFault where the files that are kept are too many bytes."""
    kept = int(connection.execute(select(func.sum(_J.size))).scalar_one() or 0)
    if kept >= MOST_BYTES_KEPT:
        raise UsageFault(
            f"the reports that are kept have {kept:,} bytes already", remedy="Delete some first"
        )


def listed(connection: Connection) -> Sequence[ReportJob]:
    """All jobs, the newest first."""
    rows = connection.execute(select(report_jobs).order_by(_J.number.desc()))
    return [_job(row) for row in rows]


def one_job(connection: Connection, id_: str) -> ReportJob:
    """Raises UsageFault where there is none of that id."""
    row = connection.execute(select(report_jobs).where(_J.id == id_)).one_or_none()
    if row is None:
        raise UsageFault("there is no such report; it may have been deleted")
    return _job(row)


def being_made(connection: Connection) -> Sequence[ReportJob]:
    rows = connection.execute(select(report_jobs).where(_J.state == "making"))
    return [_job(row) for row in rows]


def has_waiting(connection: Connection) -> bool:
    query = select(_J.number).where(_J.state == "waiting").limit(1)
    return connection.execute(query).first() is not None


def take(connection: Connection) -> ReportJob | None:
    """The oldest that waits, which is being made from now on."""
    row = connection.execute(
        select(report_jobs).where(_J.state == "waiting").order_by(_J.number).limit(1)
    ).one_or_none()
    if row is None:
        return None
    connection.execute(update(report_jobs).where(_J.id == row.id).values(state="making"))
    return _job(row)


def note_progress(connection: Connection, id_: str, section: str, lines: int) -> bool:
    """Whether it is still to be made."""
    return _note(connection, id_, section=section, lines=lines)


def note_made(connection: Connection, job: ReportJob, as_of: int, size: int, sha256: str) -> bool:
    """Whether it is still wanted. The audit trail says who made what."""
    wanted = _note(
        connection,
        job.id,
        state="made",
        as_of=as_of,
        size=size,
        sha256=sha256,
        ended_at=stamp(now()),
    )
    if wanted:
        entry = Entry(f"person:{job.asked_by}", "report.make", job.file_name)
        append(connection, entry.with_details(job=job.id, block=as_of, size=size, sha256=sha256))
    return wanted


def note_failed(connection: Connection, job: ReportJob, why: str) -> None:
    if _note(connection, job.id, state="failed", why=why[:1000], ended_at=stamp(now())):
        entry = Entry(f"person:{job.asked_by}", "report.make", job.file_name, "failed")
        append(connection, entry.with_details(job=job.id, why=why[:1000]))


def remove(connection: Connection, job: ReportJob, actor: str) -> None:
    """Forget a job, whatever its state; one that is being made ends soon after."""
    done = connection.execute(delete(report_jobs).where(_J.id == job.id))
    if done.rowcount:
        entry = Entry(actor, "report.delete", job.file_name)
        append(connection, entry.with_details(job=job.id, state=job.state))


def _note(connection: Connection, id_: str, **values: Any) -> bool:
    """Only one that is being made is changed: it may have been deleted meanwhile."""
    done = connection.execute(
        update(report_jobs).where(_J.id == id_, _J.state == "making").values(**values)
    )
    return done.rowcount == 1


def _job(row: Row[Any]) -> ReportJob:
    return ReportJob(
        id=row.id,
        report=row.report,
        request=Request(
            facility=row.facility,
            first=date.fromisoformat(row.first),
            last=date.fromisoformat(row.last),
            partner=row.partner,
            block=row.block,
        ),
        format=row.format,
        language=row.language,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        state=row.state,
        section=row.section,
        lines=row.lines,
        ended_at=row.ended_at,
        as_of=row.as_of,
        size=row.size,
        sha256=row.sha256,
        why=row.why,
    )
