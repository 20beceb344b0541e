"""Sending a file through the page: checked first, taken in when a person has seen the outcome."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from app.domain.errors import InputFault
from app.http.acting import acting
from app.http.body import stream_body
from app.http.context import Context
from app.http.signed_in import Worker, check_csrf
from app.intake.accept import UPLOADED
from app.intake.check import check_feed
from app.intake.results import FeedResult, Verdict
from app.web.site import Site

MAX_UPLOAD_BYTES = 256 * 1024 * 1024
_SHOWN_FAULTS = 50


def add_upload(router: APIRouter, context: Context, site: Site) -> None:
    """Its route: the body is the file."""

    @router.post("/feeds/upload")
    async def upload(
        request: Request,
        person: Worker,
        facility: str,
        name: Annotated[str, Query(max_length=255, pattern=r"^[^\x00]*$")],
        take: bool = False,
    ) -> HTMLResponse:
        """A file is checked first, and taken in when a person has seen what would become of it."""
        check_csrf(request)
        with tempfile.NamedTemporaryFile(prefix="tally-upload-") as spool:
            async for part in stream_body(request, MAX_UPLOAD_BYTES):
                await run_in_threadpool(spool.write, part)
            spool.flush()
            spool.seek(0)
            work = _take if take else _check

            def act() -> dict[str, Any]:
                with acting(request, person):
                    return work(context, facility, name, spool)

            found = await run_in_threadpool(act)
        return site.html("upload.html", file_name=name, facility=facility, taken=take, **found)


def _check(context: Context, facility: str, name: str, spool: Any) -> dict[str, Any]:
    intake = context.feeds.intake(facility)
    faults = _Faults()
    try:
        seen = check_feed(Path(spool.name), intake.facility, intake.sender, quarantined=faults.add)
    except InputFault as fault:
        return _refused(fault, spool.name)
    return faults.shown(seen.result, [one.replace(spool.name, name) for one in seen.warnings])


def _take(context: Context, facility: str, name: str, spool: Any) -> dict[str, Any]:
    faults = _Faults()
    try:
        result, warnings = context.feeds.stream(
            facility, spool, name, faults.add_all, source=UPLOADED
        )
    except InputFault as fault:
        return _refused(fault, name)
    return faults.shown(result, warnings)


class _Faults:
    """The first rows that are quarantined."""

    def __init__(self) -> None:
        self._rows: list[Verdict] = []

    def add(self, verdict: Verdict) -> None:
        if len(self._rows) < _SHOWN_FAULTS:
            self._rows.append(verdict)

    def add_all(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.status == "quarantined":
                self.add(verdict)

    def shown(self, result: FeedResult, warnings: Sequence[str]) -> dict[str, Any]:
        return {"result": result, "warnings": warnings, "faults": self._rows, "refused": None}


def _refused(fault: InputFault, place: str) -> dict[str, Any]:
    said = {"what": fault.what.replace(place, ""), "remedy": fault.remedy}
    return {"result": None, "warnings": [], "faults": [], "refused": said}
