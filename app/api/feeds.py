"""Feeds that were received, and what of them could not be posted."""

from typing import Annotated

from fastapi import APIRouter, Request

from app.api.bodies import body, takes
from app.api.etags import BY_BODY, TaggedByBody
from app.api.reading import Paging, reading
from app.api.security import READ_OR_PUSH, FeedWorker
from app.http.acting import writing
from app.http.dead_letters import retry
from app.intake.feed_records import feed_records
from app.outbox.dead_letters import all_letters, stopped_batches
from app.presentation.common import PageOut
from app.presentation.feeds import (
    DeadLetterOut,
    DeadLettersOut,
    FeedOut,
    RetriedOut,
    RetryIn,
    StoppedBatchOut,
)

router = APIRouter(prefix="/v1", tags=["feeds"], route_class=TaggedByBody)


@router.get("/feeds", dependencies=[READ_OR_PUSH, BY_BODY], summary="Feeds that were received")
def list_feeds(request: Request, page: Paging) -> PageOut[FeedOut]:
    """Files and pushes with their sums, newest first."""
    with reading(request) as connection:
        found, following = feed_records(connection, page.limit, page.before)
        return page.out(connection, (FeedOut.of(one) for one in found), following)


@router.get(
    "/dead-letters", dependencies=[READ_OR_PUSH, BY_BODY], summary="What could not be posted"
)
def list_dead_letters(request: Request) -> DeadLettersOut:
    """Events that were given up, and batches that have stopped: they wait for a person."""
    with reading(request) as connection:
        return DeadLettersOut(
            events=[DeadLetterOut.of(one) for one in all_letters(connection)],
            batches=[StoppedBatchOut.of(one) for one in stopped_batches(connection)],
        )


@router.post("/dead-letters:retry", summary="Try again what could not be posted", **takes(RetryIn))
def retry_dead_letters(
    request: Request, who: FeedWorker, asked: Annotated[RetryIn, body(RetryIn)]
) -> RetriedOut:
    """The node posts it. Nothing is posted twice."""
    with writing(request, who) as connection:
        retried = retry(connection, None if asked.event_id is None else [asked.event_id])
    return RetriedOut(retried=sum(retried))
