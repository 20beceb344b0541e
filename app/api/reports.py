"""Reports for auditors, as files."""

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from app.api.responses import problem_responses
from app.api.security import READ
from app.http.context import Context
from app.http.parameters import Number
from app.http.problems import Problem
from app.reports import source
from app.reports.catalogue import FORMATS, REPORTS, file_name

_CHUNK_BYTES = 1 << 18

ReportName = Literal["reconciliation", "break-ageing", "resolution-log"]
FormatName = Literal["csv", "json", "xlsx"]

router = APIRouter(prefix="/v1")


@router.get(
    "/reports/{name}",
    tags=["reports"],
    dependencies=[READ],
    summary="A report as a file",
    response_class=StreamingResponse,
    responses=problem_responses(409)
    | {
        200: {
            "description": "The file, whole",
            "content": {
                one.media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for one in FORMATS.values()
            },
        }
    },
)
def make_report(
    request: Request,
    name: ReportName,
    facility: Annotated[str, Query(description="A facility's id")],
    first: Annotated[date, Query(alias="from", description="First business date, included")],
    last: Annotated[date, Query(alias="to", description="Last business date, included")],
    partner: Annotated[str | None, Query(description="One partner's account alone")] = None,
    block: Annotated[Number | None, Query(description="As of a past block")] = None,
    format: FormatName = "json",
) -> StreamingResponse:
    """The same block and the same parameters are the same bytes from every node whose bank may see
    the same. Nothing is sent before the report is whole."""
    chosen = FORMATS[format]
    context: Context = request.app.state.context
    asked = source.Request(facility=facility, first=first, last=last, partner=partner, block=block)
    with (
        tempfile.TemporaryDirectory() as folder,
        source.open_source(context.engine, asked) as opened,
    ):
        path = Path(folder) / "report"
        try:
            made = REPORTS[name](opened)
            chosen.write(made, path)
        except source.ReportRefused as refused:
            raise Problem(409, "report-refused", str(refused)) from None
        # The file lives on, unnamed, until it is sent: slow readers hold no view of the database.
        file = path.open("rb")
        shown = file_name(made, chosen)
    return StreamingResponse(
        _chunks(file),
        media_type=chosen.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{_ascii(shown)}"',
            "Content-Length": str(_size(file)),
        },
    )


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _ascii(text: str) -> str:
    return "".join(letter if letter.isascii() else "_" for letter in text)
