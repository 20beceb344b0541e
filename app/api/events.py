"""Events that are pushed, one by one or in bulk."""

import queue
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from functools import partial
from typing import Annotated, Any, BinaryIO

import orjson
import structlog
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from app.api.responses import WITH_BODY
from app.api.security import PUSH
from app.domain.errors import TallyError, UsageFault
from app.domain.events import Quarantined
from app.http.body import JSON, only, read_body, stream_body, too_large
from app.http.context import Context
from app.http.problems import Problem, problem_of
from app.http.state import context_of
from app.intake.accept import BULK_NAME
from app.intake.results import FeedResult, Receipt, Verdict
from app.presentation.common import ProblemBody
from app.presentation.events import BulkOut, EventIn, ReceiptOut
from app.readmodel.facilities.agreed import agreed_facilities

MAX_EVENT_BYTES = 256 * 1024
MAX_BULK_ROWS = 5_000
"""Most events of one JSON array, which is taken in one commit; more come as CSV or JSON lines."""
MAX_BULK_BYTES = 16 * 1024 * 1024
MAX_STREAM_BYTES = 2 * 1024**3

_SPOOL_MEMORY_BYTES = 1024 * 1024
_STREAMED = ("text/csv", "application/x-ndjson", "application/jsonl")
_CHUNKS_AHEAD = 4

_log = structlog.get_logger("tallystick.api")

router = APIRouter(prefix="/v1", tags=["events"])

FacilityId = Annotated[str, Path(description="The facility's id.", examples=["WLD-2016-A"])]


@router.post(
    "/facilities/{facility}/events",
    dependencies=[PUSH],
    status_code=201,
    summary="Push one event",
    response_model=ReceiptOut,
    responses={
        200: {"model": ReceiptOut, "description": "Pushed before: the first answer again"},
        409: {
            "model": ProblemBody,
            "description": "The event_id was accepted with other content; or the facility takes "
            "no events now",
        },
        422: {"model": ProblemBody, "description": "The event is at fault: `field`, `reason`"},
        **WITH_BODY,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": EventIn.model_json_schema(mode="serialization")}},
        }
    },
)
async def push_event(request: Request, facility: FacilityId) -> Response:
    """Answered only once it is durably stored; it is posted to the chain from there."""
    feeds = context_of(request).feeds
    only(request, JSON)
    body = await read_body(request, MAX_EVENT_BYTES)

    def push() -> Receipt | Quarantined:
        _may_send(request, facility)
        event = feeds.decode(body)
        if not isinstance(event, dict):
            raise Problem(422, "invalid-request", "the body is not one JSON object")
        return feeds.intake(facility).push(event)

    taken = await run_in_threadpool(push)
    if isinstance(taken, Quarantined):
        raise Problem(
            422,
            "faulty-event",
            f"{taken.field}: {taken.reason}",
            field=taken.field,
            value=taken.value,
            reason=taken.reason,
            event_id=taken.event_id,
        )
    receipt = {
        "event_id": taken.event_id,
        "verdict": "accepted",
        "accepted_at": taken.accepted_at,
        "duplicate_leg": taken.duplicate_leg,
    }
    return JSONResponse(receipt, 200 if taken.again else 201)


@router.post(
    "/facilities/{facility}/events:bulk",
    dependencies=[PUSH],
    summary="Push many events",
    response_model=BulkOut,
    responses={
        200: {
            "description": "What became of each row. An array is answered by one JSON object; CSV "
            "and JSON lines by JSON lines: a verdict a line, and at the end one line with `rows`, "
            "the sums (or with `problem`, when it failed on the way; an answer that ends without "
            "either was cut short). Push the same again then: nothing is taken twice.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        },
        409: {"model": ProblemBody, "description": "The facility takes no events now"},
        **WITH_BODY,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {
                        "type": "array",
                        "maxItems": MAX_BULK_ROWS,
                        "items": EventIn.model_json_schema(mode="serialization"),
                    }
                },
                "application/x-ndjson": {"schema": {"type": "string"}},
                "text/csv": {
                    "schema": {"type": "string"},
                    "example": "event_id,facility,event_ref,kind,amount,currency,value_date,"
                    "booked_at\nHR-1,WLD-2016-A,L4711-REP-003,principal,1000.00,CNY,2026-03-02,"
                    "2026-03-02T09:15:00+08:00\n",
                },
            },
        }
    },
)
async def push_bulk(request: Request, facility: FacilityId) -> Response:
    """A JSON array of at most 5,000 events is taken in one commit; CSV with a header and JSON lines
    are taken as they are read, however long. Bad rows do not sink good ones: each gets its verdict.
    """
    if only(request, JSON, *_STREAMED) == JSON:
        return await _array(request, facility)
    return await _stream(request, facility)


async def _array(request: Request, facility: str) -> Response:
    feeds = context_of(request).feeds
    body = await read_body(request, MAX_BULK_BYTES)

    def take() -> bytes:
        _may_send(request, facility)
        events = feeds.decode(body)
        if not isinstance(events, list):
            raise Problem(422, "invalid-request", "the body is not a JSON array of events")
        if len(events) > MAX_BULK_ROWS:
            raise too_large(
                f"{len(events):,} events are more than the {MAX_BULK_ROWS:,} of one array; send "
                "several, or all of them as CSV or JSON lines"
            )
        result, verdicts = feeds.intake(facility).submit_objects(events, BULK_NAME)
        answer = {
            "feed_id": result.feed_id,
            "rows": _sums(result),
            "duplicate_legs": result.duplicate_legs,
            "verdicts": [_verdict(verdict) for verdict in verdicts],
        }
        return orjson.dumps(answer)

    return Response(await run_in_threadpool(take), media_type=JSON)


async def _stream(request: Request, facility: str) -> Response:
    await run_in_threadpool(_may_send, request, facility)
    # The whole body first: an answer that begins before the request has ended confuses clients.
    # Closed by the thread that reads it, or by the garbage collector.
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_MEMORY_BYTES)  # noqa: SIM115
    try:
        async for part in stream_body(request, MAX_STREAM_BYTES):
            if len(part) > _SPOOL_MEMORY_BYTES // 4:
                await run_in_threadpool(spool.write, part)
            else:
                spool.write(part)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    reading = _Reading(context_of(request), facility, spool)  # type: ignore[arg-type]
    first = await run_in_threadpool(reading.first)
    if isinstance(first, TallyError):
        raise first
    return _Verdicts(reading, first)


class _Reading:
    """Takes in a spooled feed on a thread of its own, and hands out the answer's lines."""

    def __init__(self, context: Context, facility: str, spool: BinaryIO) -> None:
        self._context = context
        self._facility = facility
        self._spool = spool
        self._ready: queue.Queue[bytes | TallyError | None] = queue.Queue(_CHUNKS_AHEAD)
        self._abandoned = threading.Event()
        # Its log lines say what the request's do: whose channel it is.
        work = partial(copy_context().run, self._work)
        threading.Thread(target=work, name="bulk", daemon=True).start()

    def first(self) -> bytes | TallyError | None:
        """The first lines; or the fault that kept everything from being taken."""
        return self._ready.get()

    def lines(self, first: bytes | TallyError | None) -> Iterator[bytes]:
        """All lines."""
        part = first
        while part is not None:
            if isinstance(part, TallyError):
                yield orjson.dumps({"problem": problem_of(part).body("")}) + b"\n"
            else:
                yield part
            part = self._ready.get()

    def abandon(self) -> None:
        """Nobody asks for more lines; the rest is taken in all the same."""
        self._abandoned.set()
        while not self._ready.empty():
            self._ready.get_nowait()

    def _hand_out(self, part: bytes | TallyError | None) -> None:
        if not self._abandoned.is_set():
            self._ready.put(part)

    def _verdicts(self, verdicts: Sequence[Verdict]) -> None:
        self._hand_out(b"".join(orjson.dumps(_verdict(one)) + b"\n" for one in verdicts))

    def _work(self) -> None:
        try:
            with self._spool:
                result, warnings = self._context.feeds.stream(
                    self._facility, self._spool, BULK_NAME, self._verdicts
                )
            end = {
                "feed_id": result.feed_id,
                "rows": _sums(result),
                "duplicate_legs": result.duplicate_legs,
                "warnings": warnings,
            }
            self._hand_out(orjson.dumps(end) + b"\n")
        except TallyError as fault:
            self._hand_out(fault)
        except Exception:
            _log.exception("bulk_failed", facility=self._facility)
            self._hand_out(TallyError("it failed here; the log of this node says why"))
        finally:
            self._hand_out(None)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "row": verdict.row,
        "event_id": verdict.event_id,
        "verdict": verdict.status,
    }
    if verdict.status == "quarantined":
        shown |= {"field": verdict.field, "value": verdict.value, "reason": verdict.reason}
    return shown


def _sums(result: FeedResult) -> dict[str, int]:
    return {
        "in": result.rows_in,
        "accepted": result.accepted,
        "duplicate": result.duplicate,
        "quarantined": result.quarantined,
    }


def _may_send(request: Request, facility: str) -> None:
    """Raise the problem that says why this bank may not send events of the facility."""
    context = context_of(request)
    try:
        context.feeds.intake(facility)
    except UsageFault as fault:
        with context.engine.connect() as connection:
            known = {one.terms.id: one for one in agreed_facilities(connection)}
        agreed = known.get(facility)
        if agreed is None:
            raise Problem(404, "unknown-facility", str(fault)) from None
        if context.bank not in agreed.terms.banks:
            raise Problem(403, "not-a-party", str(fault)) from None
        raise Problem(409, "facility-not-active", str(fault)) from None


class _Verdicts(StreamingResponse):
    """The answer of a reading, whose lines nobody awaits once it ends: also where the client has
    gone before the first of them is asked for."""

    def __init__(self, reading: _Reading, first: bytes | TallyError | None) -> None:
        super().__init__(reading.lines(first), media_type="application/x-ndjson")
        self._reading = reading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._reading.abandon()
