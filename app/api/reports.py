"""Reports for auditors, as files."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from app.api.etags import BY_BODY, TaggedByBody
from app.api.reading import reading
from app.api.responses import Responses, problem_responses
from app.api.security import Exporter
from app.http.parameters import Number, SmallNumber
from app.http.problems import Problem
from app.http.sending import record_export, send_file
from app.http.state import context_of
from app.locale import in_language
from app.presentation.report_jobs import FormatName, LanguageTag, ReportName
from app.readmodel.days.queries import day_record
from app.readmodel.pairs import queries as pairs
from app.reports import source
from app.reports.catalogue import FORMATS, REPORTS, file_name
from app.reports.certificate import (
    day_certificate,
    digest_of,
    pair_certificate,
)

router = APIRouter(prefix="/v1", route_class=TaggedByBody)

_FILE = {"schema": {"type": "string", "format": "binary"}}
REPORT_FILE: Responses = {
    200: {
        "description": "The file, whole",
        "content": {one.media_type.partition(";")[0]: _FILE for one in FORMATS.values()},
    }
}
_CERTIFICATE: Responses = {
    200: {
        "description": "The certificate",
        "content": {"application/json": {"schema": {"type": "object"}}, "application/pdf": _FILE},
    }
}


@router.get(
    "/reports/{name}",
    tags=["reports"],
    summary="A report as a file",
    response_class=StreamingResponse,
    responses=problem_responses(409) | REPORT_FILE,
)
def make_report(
    request: Request,
    who: Exporter,
    name: ReportName,
    facility: Annotated[str, Query(description="A facility's id")],
    first: Annotated[date, Query(alias="from", description="First business date, included")],
    last: Annotated[date, Query(alias="to", description="Last business date, included")],
    partner: Annotated[str | None, Query(description="One partner's account alone")] = None,
    block: Annotated[Number | None, Query(description="As of a past block")] = None,
    format: FormatName = "json",
    language: Annotated[LanguageTag, Query(description="Of titles, notes and words")] = "en",
) -> StreamingResponse:
    """The same block and the same parameters are the same bytes from every node whose bank may see
    the same. Nothing is sent before the report is whole."""
    chosen = FORMATS[format]
    asked = source.Request(facility=facility, first=first, last=last, partner=partner, block=block)
    with (
        tempfile.TemporaryDirectory() as folder,
        source.open_source(context_of(request).engine, asked) as opened,
        in_language(language),
    ):
        path = Path(folder) / "report"
        try:
            made = REPORTS[name](opened)
            chosen.write(made, path)
        except source.ReportRefused as refused:
            raise Problem(409, "report-refused", str(refused)) from None
        # The file lives on, unnamed, until it is sent: slow readers hold no view of the database.
        file = path.open("rb")
        shown = file_name(name, asked, chosen)
    record_export(request, who, shown)
    return send_file(file, shown, chosen.media_type)


CertificateFormat = Literal["json", "pdf"]
PageLanguage = Annotated[LanguageTag, Query(description="Of the printable page")]


@router.get(
    "/pairs/{number}/certificate",
    tags=["reports"],
    dependencies=[BY_BODY],
    summary="The certificate of a pair",
    response_class=Response,
    responses=_CERTIFICATE,
)
def certify_pair(
    request: Request,
    who: Exporter,
    number: Number,
    format: CertificateFormat = "json",
    language: PageLanguage = "en",
) -> Response:
    """What its two banks signed: the halves, the rules, the resolution. The JSON is canonical; the
    printable page bears its digest."""
    with reading(request) as connection:
        found = pairs.pair(connection, number)
        if found is None:
            raise Problem(404, "not-found", f"there is no pair {number} in this view")
        made = pair_certificate(connection, found)
    record_export(request, who, f"certificate of pair {number}")
    return _certificate(made, format, language)


@router.get(
    "/day-closes/{number}/certificate",
    tags=["reports"],
    dependencies=[BY_BODY],
    summary="The certificate of a day's statement",
    response_class=Response,
    responses=_CERTIFICATE,
)
def certify_day(
    request: Request,
    who: Exporter,
    number: SmallNumber,
    format: CertificateFormat = "json",
    language: PageLanguage = "en",
) -> Response:
    """The statement that two banks signed, and with which keys."""
    with reading(request) as connection:
        found = day_record(connection, number)
        if found is None:
            raise Problem(404, "not-found", f"there is no statement {number} in this view")
        made = day_certificate(connection, found)
    record_export(request, who, f"certificate of the day's statement {number}")
    return _certificate(made, format, language)


def _certificate(certificate: bytes, format: CertificateFormat, language: LanguageTag) -> Response:
    headers = {"X-Content-SHA256": digest_of(certificate)}
    if format == "json":
        return Response(certificate, media_type="application/json", headers=headers)
    # Loaded when it is asked for: fpdf brings numpy, half a second of a node's start.
    from app.reports.certificate_page import write_certificate_page

    with tempfile.TemporaryDirectory() as folder, in_language(language):
        path = Path(folder) / "page"
        write_certificate_page(certificate, path)
        return Response(path.read_bytes(), media_type="application/pdf", headers=headers)
