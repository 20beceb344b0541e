"""The event stream of a node (server-sent events), which is taken up again where it was cut."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from typing import Annotated

from fastapi import APIRouter, Header, Request
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.alerts.store import newest_change
from app.api.reading import reading
from app.api.responses import Responses
from app.api.security import Reader
from app.api.stream_log import Position, Streamed, newest, parsed, since, why_lost
from app.domain.errors import StorageFault
from app.http.context import Context
from app.http.keys import Key
from app.http.problems import Problem, unavailable
from app.http.signed_in import open_session
from app.http.state import context_of, keyring_of
from app.people.person import Person
from app.prepared_acts.store import newest_entry
from app.presentation.stream import OpenedOut, ResetOut
from app.readmodel.chain import position
from app.worklist.notes import newest_note

MOST_STREAMS = 200
"""At a time; each looks once a second."""
_LOOK_EVERY_S = 1.0
"""For what people do: of blocks the notifier tells."""
_LOOK_ANYWAY_S = 5.0
_REST_S = 0.25

_STREAM: Responses = {
    200: {
        "description": "Server-sent events: `open`, `block`, `alert`, `act`, `note`, and `reset` "
        "where what was missed cannot be told: read anew what you show. Data: docs/api.md.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

router = APIRouter(prefix="/v1", tags=["stream"])


class Streams:
    """The open streams of a node: how many there may be, and when there is something to read."""

    def __init__(self, context: Context) -> None:
        self.slots = asyncio.Semaphore(MOST_STREAMS)
        self._context = context
        self._looking = asyncio.Lock()
        self._seen: Hashable = None
        self._version = -1
        self._seen_at = 0.0

    async def state(self) -> Hashable:
        """Another one after whatever is told; looked at once for all streams."""
        async with self._looking:
            version, now = self._context.notifier.version, asyncio.get_running_loop().time()
            if version != self._version or now - self._seen_at >= _LOOK_EVERY_S * 0.9:
                self._seen = await run_in_threadpool(self._look)
                self._version, self._seen_at = version, now
            return self._seen

    def _look(self) -> Hashable:
        with self._context.engine.connect() as connection:
            return (
                position(connection),
                newest_change(connection),
                newest_entry(connection),
                newest_note(connection),
            )


@router.get(
    "/stream",
    summary="What happens, as it happens",
    response_class=EventSourceResponse,
    responses=_STREAM,
)
async def stream(
    request: Request,
    who: Reader,
    last_event_id: Annotated[
        str | None, Header(description="`id` of the last event that was received")
    ] = None,
) -> EventSourceResponse:
    """Blocks that hold something of ours, and what became of alerts, prepared acts and notes on
    breaks. With `Last-Event-ID` it goes on right after that event: nothing is lost, nothing comes
    twice."""
    streams: Streams = request.app.state.streams
    after = None if last_event_id is None else parsed(last_event_id)
    if last_event_id is not None and after is None:
        raise Problem(422, "invalid-request", "Last-Event-ID: give the `id` of an event, unchanged")
    if streams.slots.locked():
        raise unavailable(f"{MOST_STREAMS} streams are open already; try again later")

    async def events() -> AsyncIterator[ServerSentEvent]:
        async with streams.slots:
            async for one in _followed(request, who, streams, after):
                yield ServerSentEvent(
                    id=str(one.position), event=one.name, data=one.data.model_dump_json(), sep="\n"
                )

    return EventSourceResponse(events(), ping=15, sep="\n")


async def _followed(
    request: Request, who: Person | Key, streams: Streams, after: Position | None
) -> AsyncIterator[Streamed]:
    """What happens, until the node stops, or who listens may no more."""
    notifier, loop = context_of(request).notifier, asyncio.get_running_loop()
    at, told = await run_in_threadpool(_begin, request, after)
    if told is not None:
        yield told
    seen, read_at = None, 0.0
    while not notifier.closed:
        version = notifier.version
        try:
            state = await streams.state()
            if state != seen or loop.time() - read_at >= _LOOK_ANYWAY_S:
                found = await run_in_threadpool(_read, request, who, at)
                if found is None:
                    return
                for one in found:
                    at = one.position
                    yield one
                # More may be there than is read at a time.
                seen, read_at = (None if found else state), loop.time()
                if found:
                    continue
        except (StorageFault, PoolTimeout):
            pass  # it goes on from the same position once the database is there again
        await asyncio.sleep(_REST_S)
        await notifier.wait(version, _LOOK_EVERY_S)


def _begin(request: Request, after: Position | None) -> tuple[Position, Streamed | None]:
    """Where a stream begins; and what is told first, where it is not where it was cut."""
    with reading(request) as connection:
        if after is None:
            at = newest(connection)
            return at, Streamed(at, "open", OpenedOut(block=at.block))
        why = why_lost(connection, after)
        if not why:
            return after, None
        at = newest(connection)
    return at, Streamed(at, "reset", ResetOut(why=why))


def _read(request: Request, who: Person | Key, at: Position) -> list[Streamed] | None:
    """What is new; None where the key or session is none any more."""
    if isinstance(who, Key):
        is_open = keyring_of(request).open_key(who.id) is not None
    else:
        is_open = open_session(request) is not None
    if not is_open:
        return None
    with reading(request) as connection:
        return list(since(connection, at))
