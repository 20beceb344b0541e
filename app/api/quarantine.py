"""Quarantined rows: seen, mended, read again in another encoding, replayed, dismissed."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from app.api.bodies import described, json_body
from app.api.etags import quarantined_rows, tagged, view
from app.api.reading import Facility, Paging, reading
from app.api.responses import WITH_BODY
from app.api.security import READ_OR_PUSH, FeedWorker
from app.domain.errors import UsageFault
from app.http.acting import acting, name_of
from app.http.context import Context
from app.http.keys import Key
from app.http.parameters import Number
from app.http.problems import Problem
from app.intake.quarantine.dismiss import Decided, dismiss, restore
from app.intake.quarantine.mend import mend, reread
from app.intake.quarantine.queries import WAITING, Selection, quarantined, row_in_full
from app.intake.quarantine.replay import replay
from app.people.person import Person
from app.presentation.common import PageOut, as_of
from app.presentation.quarantine import (
    DecidedOut,
    DecideIn,
    MendIn,
    QuarantinedOut,
    QuarantinedRowOut,
    ReplayOut,
    RereadIn,
    RereadOut,
    SelectionIn,
    Status,
)

_MAX_MEND_BYTES = 512 * 1024
_MAX_BYTES = 32 * 1024
QUARANTINED = tagged(view, quarantined_rows)
_MOST_ROWS = 2_000
"""Most rows that one request works on."""

router = APIRouter(prefix="/v1", tags=["quarantine"])

RowNumber = Annotated[Number, Path(description="A quarantined row's number.")]


@router.get("/quarantine", dependencies=[READ_OR_PUSH, QUARANTINED], summary="Quarantined rows")
def list_quarantine(
    request: Request,
    page: Paging,
    facility: Facility = None,
    feed_id: Annotated[Number | None, Query(description="A feed's number")] = None,
    field: Annotated[str | None, Query(description="The column at fault")] = None,
    reason: Annotated[str | None, Query(description="The whole text of a reason")] = None,
    status: Annotated[
        list[Status] | None, Query(description="May be repeated; else what waits")
    ] = None,
) -> PageOut[QuarantinedOut]:
    """Rows that this node quarantined and that wait, each with its first fault, newest first."""
    where = Selection(facility, feed_id, field, reason, tuple(status or WAITING))
    with reading(request) as connection:
        found = quarantined(connection, where, page.limit, page.before)
        return PageOut(
            items=[QuarantinedOut.of(row) for row in found.items],
            next=page.next(found.following),
            as_of=as_of(connection),
        )


@router.get(
    "/quarantine/{number}", dependencies=[READ_OR_PUSH, QUARANTINED], summary="One quarantined row"
)
def show_quarantined(request: Request, number: RowNumber) -> QuarantinedRowOut:
    """Its text as it came, what it says now, and who did what about it."""
    with reading(request) as connection:
        try:
            return QuarantinedRowOut.of(row_in_full(connection, number))
        except UsageFault as fault:
            raise Problem(404, "unknown-row", str(fault)) from None


@router.post(
    "/quarantine/{number}:mend",
    summary="Mend a quarantined row",
    responses=WITH_BODY,
    openapi_extra=described(MendIn),
)
async def mend_row(request: Request, number: RowNumber, who: FeedWorker) -> QuarantinedRowOut:
    """It is judged as any row is; nothing is taken in until it is replayed. What it was, what it is
    and who changed it is kept."""
    asked = await json_body(request, MendIn, _MAX_MEND_BYTES)
    context: Context = request.app.state.context

    def work() -> QuarantinedRowOut:
        done = mend(context.engine, context.feeds.intake, number, asked.values, _by(who))
        return QuarantinedRowOut.of(done)

    return await acting(request, who, work)


@router.post(
    "/quarantine:reread",
    summary="Read a file's rows again in another encoding",
    responses=WITH_BODY,
    openapi_extra=described(RereadIn),
)
async def reread_feed(request: Request, who: FeedWorker) -> RereadOut:
    """Its waiting rows that are not ASCII. Nothing is taken in until they are replayed: see first
    whether the encoding was the right one."""
    asked = await json_body(request, RereadIn, _MAX_BYTES)
    context: Context = request.app.state.context

    def work() -> RereadOut:
        done = reread(
            context.engine,
            context.feeds.intake,
            asked.feed_id,
            asked.encoding,
            _by(who),
            after=asked.after,
            most=_MOST_ROWS,
        )
        return RereadOut(ready=done.ready, faulty=done.faulty, next=done.following)

    return await acting(request, who, work)


@router.post(
    "/quarantine:replay",
    summary="Take in quarantined rows as they are now",
    responses=WITH_BODY,
    openapi_extra=described(SelectionIn),
)
async def replay_rows(request: Request, who: FeedWorker) -> ReplayOut:
    """What was accepted before is a duplicate: no replay books a row twice. Rows that are still at
    fault stay."""
    asked = await json_body(request, SelectionIn, _MAX_BYTES)
    context: Context = request.app.state.context
    where = _selection(asked)

    def work() -> ReplayOut:
        done = replay(
            context.engine,
            context.feeds.intake,
            where,
            _by(who),
            after=asked.after,
            most=_MOST_ROWS,
        )
        return ReplayOut(
            accepted=done.accepted,
            duplicate=done.duplicate,
            faulty=done.faulty,
            next=done.following,
        )

    return await acting(request, who, work)


@router.post(
    "/quarantine:dismiss",
    summary="Dismiss quarantined rows",
    responses=WITH_BODY,
    openapi_extra=described(DecideIn),
)
async def dismiss_rows(request: Request, who: FeedWorker) -> DecidedOut:
    """They wait no more and are never taken in; who dismissed them, when and why is kept. They stay
    among their feeds' quarantined rows."""
    return await _decide(request, who, dismiss)


@router.post(
    "/quarantine:restore",
    summary="Restore dismissed rows",
    responses=WITH_BODY,
    openapi_extra=described(DecideIn),
)
async def restore_rows(request: Request, who: FeedWorker) -> DecidedOut:
    """They wait again."""
    return await _decide(request, who, restore)


async def _decide(
    request: Request, who: Person | Key, decide: Callable[..., Decided]
) -> DecidedOut:
    asked = await json_body(request, DecideIn, _MAX_BYTES)
    context: Context = request.app.state.context
    where = _selection(asked)

    def work() -> DecidedOut:
        done = decide(
            context.engine, where, asked.why, _by(who), after=asked.after, most=_MOST_ROWS
        )
        return DecidedOut(rows=done.rows, next=done.following)

    return await acting(request, who, work)


def _selection(asked: SelectionIn) -> Selection:
    where = Selection(
        asked.facility, asked.feed_id, asked.field, asked.reason, numbers=asked.numbers
    )
    if where == Selection():
        raise Problem(
            422, "invalid-request", "say which rows: numbers, facility, feed_id, field or reason"
        )
    return where


def _by(who: Person | Key) -> str:
    return name_of(who) if isinstance(who, Person) else f"key {who.id} ({who.name})"
