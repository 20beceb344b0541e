"""Quarantined rows: seen, mended, read again in another encoding, replayed, dismissed."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from app.api.bodies import body, takes
from app.api.etags import quarantined_rows, tagged, view
from app.api.reading import Facility, Paging, reading
from app.api.security import READ_OR_PUSH, FeedWorker
from app.domain.errors import UsageFault
from app.http.acting import acting, name_of
from app.http.keys import Key
from app.http.parameters import Number
from app.http.problems import Problem
from app.http.state import context_of
from app.intake.quarantine.dismiss import Decided, dismiss, restore
from app.intake.quarantine.mend import mend, reread
from app.intake.quarantine.queries import WAITING, Selection, quarantined, row_in_full
from app.intake.quarantine.replay import replay
from app.people.person import Person
from app.presentation.common import PageOut
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
_MOST_BYTES = 32 * 1024
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
        return page.out(
            connection, (QuarantinedOut.of(row) for row in found.items), found.following
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


@router.post("/quarantine/{number}:mend", summary="Mend a quarantined row", **takes(MendIn))
def mend_row(
    request: Request,
    number: RowNumber,
    who: FeedWorker,
    asked: Annotated[MendIn, body(MendIn, _MAX_MEND_BYTES)],
) -> QuarantinedRowOut:
    """It is judged as any row is; nothing is taken in until it is replayed. What it was, what it is
    and who changed it is kept."""
    context = context_of(request)
    with acting(request, who):
        done = mend(context.engine, context.feeds.intake, number, asked.values, _by(who))
    return QuarantinedRowOut.of(done)


@router.post(
    "/quarantine:reread",
    summary="Read a file's rows again in another encoding",
    **takes(RereadIn),
)
def reread_feed(
    request: Request, who: FeedWorker, asked: Annotated[RereadIn, body(RereadIn, _MOST_BYTES)]
) -> RereadOut:
    """Its waiting rows that are not ASCII. Nothing is taken in until they are replayed: see first
    whether the encoding was the right one."""
    context = context_of(request)
    with acting(request, who):
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


@router.post(
    "/quarantine:replay",
    summary="Take in quarantined rows as they are now",
    **takes(SelectionIn),
)
def replay_rows(
    request: Request, who: FeedWorker, asked: Annotated[SelectionIn, body(SelectionIn, _MOST_BYTES)]
) -> ReplayOut:
    """What was accepted before is a duplicate: no replay books a row twice. Rows that are still at
    fault stay."""
    context = context_of(request)
    where = _selection(asked)
    with acting(request, who):
        done = replay(
            context.engine,
            context.feeds.intake,
            where,
            _by(who),
            after=asked.after,
            most=_MOST_ROWS,
        )
    return ReplayOut(
        accepted=done.accepted, duplicate=done.duplicate, faulty=done.faulty, next=done.following
    )


Decision = Annotated[DecideIn, body(DecideIn, _MOST_BYTES)]


@router.post("/quarantine:dismiss", summary="Dismiss quarantined rows", **takes(DecideIn))
def dismiss_rows(request: Request, who: FeedWorker, asked: Decision) -> DecidedOut:
    """They wait no more and are never taken in; who dismissed them, when and why is kept. They stay
    among their feeds' quarantined rows."""
    return _decide(request, who, asked, dismiss)


@router.post("/quarantine:restore", summary="Restore dismissed rows", **takes(DecideIn))
def restore_rows(request: Request, who: FeedWorker, asked: Decision) -> DecidedOut:
    """They wait again."""
    return _decide(request, who, asked, restore)


def _decide(
    request: Request, who: Person | Key, asked: DecideIn, decide: Callable[..., Decided]
) -> DecidedOut:
    where, engine = _selection(asked), context_of(request).engine
    with acting(request, who):
        done = decide(engine, where, asked.why, _by(who), after=asked.after, most=_MOST_ROWS)
    return DecidedOut(rows=done.rows, next=done.following)


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
