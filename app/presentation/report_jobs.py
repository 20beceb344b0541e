"""Reports that people ask for, made in the background."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from app.domain.numbers import LARGEST
from app.presentation.common import Model
from app.report_jobs.files import Schedule, ScheduledFile
from app.report_jobs.store import ReportJob, State

ReportName = Literal[
    "reconciliation",
    "reserve-statement",
    "break-ageing",
    "resolution-log",
    "day-closes",
    "membership",
    "limits",
    "exceptions",
]
FormatName = Literal["csv", "json", "xlsx", "parquet", "pdf"]
LanguageTag = Literal["en", "zh-Hans"]
_Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class ReportJobIn(Model):
    """Which report is to be made."""

    report: ReportName
    facility: _Name = Field(examples=["WLD-2016-A"])
    first: date = Field(alias="from", description="First business date, included.")
    last: date = Field(alias="to", description="Last business date, included.")
    partner: _Name | None = Field(None, description="One partner's account alone.")
    block: int | None = Field(None, ge=0, le=LARGEST, description="As of a past block.")
    format: FormatName = "xlsx"
    language: LanguageTag = "en"


class ReportJobOut(Model):
    """`section` and `lines`: how far it has come while it is being made. The rest where it was."""

    id: str
    report: str
    facility: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    partner: str | None
    block: int | None = Field(description="As of which it was asked for; null: the last one.")
    format: str
    language: str
    asked_by: str
    asked_at: datetime
    state: State
    section: str
    lines: int
    ended_at: datetime | None
    as_of_block: int | None
    file_name: str
    size_bytes: int | None
    sha256: str | None
    why: str = Field(description="Why it failed; else empty.")


class ReportJobsOut(Model):
    """All that are kept, newest first."""

    items: list[ReportJobOut]


class ScheduledFileOut(Model):
    name: str
    size_bytes: int
    written_at: datetime


class ScheduleOut(Model):
    """What the node writes by itself, as `bank.toml` has it."""

    reports: list[str]
    formats: list[str]
    hours_after_cut_off: int


class ScheduledReportsOut(Model):
    """`schedule`: null where `bank.toml` has none. `files`: the newest."""

    schedule: ScheduleOut | None
    files: list[ScheduledFileOut]


def report_job_out(job: ReportJob) -> ReportJobOut:
    request = job.request
    return ReportJobOut.of(
        job,
        facility=request.facility,
        first=request.first,
        last=request.last,
        partner=request.partner,
        block=request.block,
        as_of_block=job.as_of,
        size_bytes=job.size,
    )


def scheduled_reports_out(
    schedule: Schedule | None, files: list[ScheduledFile]
) -> ScheduledReportsOut:
    return ScheduledReportsOut(
        schedule=None if schedule is None else ScheduleOut.of(schedule, reports=schedule.names),
        files=[ScheduledFileOut.of(one, size_bytes=one.size) for one in files],
    )
