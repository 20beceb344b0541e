"""The page's live stream: what changed is rendered once and sent to every open page."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from jinja2 import Environment
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.alerts.store import newest_change
from app.domain.errors import StorageFault
from app.http.context import Context
from app.locale import language
from app.prepared_acts.store import newest_entry
from app.readmodel.accounts.balances import balances
from app.readmodel.decisions import newest_decisions
from app.readmodel.pairs.shapes import BREAK_TYPES
from app.web.chain_state import chain_state
from app.web.reserves import reserves
from app.worklist.notes import newest_note

_LOOK_EVERY_S = 1.0
"""How often a page is brought up to date without news: pending events and the chain's state."""

_REST_S = 0.25
"""The shortest time between two looks, however fast blocks come."""

_MAY_SEE_EVERY_S = 5.0

_ALIVE_EVERY_S = 5
"""A page that hears nothing for longer than twice of that is cut off (`stream.js`)."""

Shown = Annotated[str, Query(max_length=64)]
"""What a page says to its stream that it has (`Live.shown`)."""

PAGE_PARTS = ("state", "accounts", "breaks", "decisions", "acts", "work", "alerts")
WALL_PARTS = ("state", "wall")


def live_answer(messages: AsyncIterator[ServerSentEvent]) -> EventSourceResponse:
    """The stream of these messages, with signs of life between them: the browser tells a page of no
    connection that was cut without a word."""
    return EventSourceResponse(
        messages,
        ping=_ALIVE_EVERY_S,
        ping_message_factory=lambda: ServerSentEvent(event="alive", data="-", sep="\n"),
        sep="\n",
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """One part of the page. It is sent again only when its `mark` is another."""

    event: str
    mark: Hashable
    html: str


@dataclass(frozen=True, slots=True)
class _Rendered:
    """All parts in one language, and when they were rendered (the loop's clock)."""

    frames: list[Frame]
    version: int
    at: float
    number: int
    """Renderings are counted, so that pages can name one."""
    changed_in: dict[str, int]
    """By part: the rendering that first had its mark."""


def _follows(before: _Rendered | None, frames: list[Frame], version: int, at: float) -> _Rendered:
    number = before.number + 1 if before else 0
    marks = {frame.event: frame.mark for frame in before.frames} if before else {}
    changed_in = {
        frame.event: before.changed_in[frame.event]
        if before and marks[frame.event] == frame.mark
        else number
        for frame in frames
    }
    return _Rendered(frames, version, at, number, changed_in)


class Live:
    """Renders the moving parts, at most once for each piece of news and language, for all who
    listen."""

    def __init__(self, context: Context, templates: Environment) -> None:
        self._context = context
        self._templates = templates
        self._rendering = asyncio.Lock()
        self._rendered: dict[str, _Rendered] = {}
        """By language."""
        self._process = secrets.token_hex(4)

    def shown(self) -> str:
        """What a page that is read from now on shows at least, for its stream to begin from; empty
        where no rendering is as new as the news."""
        before = self._rendered.get(language())
        if before is None or before.version != self._context.notifier.version:
            return ""
        return f"{self._process}.{before.version}.{before.number}"

    def _sent_with(self, shown: str) -> dict[str, Hashable]:
        """The marks of what a page that says so (`shown`) has already. Nothing after news: a part
        may have changed to and fro, and the page been read between."""
        before = self._rendered.get(language())
        match shown.split("."):
            case [self._process, version, number] if (
                before is not None
                and version == str(before.version) == str(self._context.notifier.version)
                and number.isdecimal()
            ):
                return {
                    frame.event: frame.mark
                    for frame in before.frames
                    if before.changed_in[frame.event] <= int(number)
                }
        return {}

    async def messages(
        self, parts: Collection[str], may_see: Callable[[], bool], shown: str
    ) -> AsyncIterator[ServerSentEvent]:
        """These parts once, but for those that the page has (`shown`), then what changes of them,
        until the node stops or who looks on may no longer see them (each look is a query, so it is
        made every few seconds)."""
        notifier = self._context.notifier
        sent = self._sent_with(shown)
        look_at = 0.0
        while not notifier.closed:
            # Noted before looking, so that news during the look is not missed.
            version = notifier.version
            try:
                if time.monotonic() >= look_at:
                    if not await run_in_threadpool(may_see):
                        return
                    look_at = time.monotonic() + _MAY_SEE_EVERY_S
                frames = await self._current(version)
            except (StorageFault, PoolTimeout):
                frames = []  # the page keeps what it shows; the block's age tells how old that is
            for frame in frames:
                if frame.event in parts and sent.get(frame.event) != frame.mark:
                    sent[frame.event] = frame.mark
                    yield ServerSentEvent(event=frame.event, data=frame.html, sep="\n")
            await asyncio.sleep(_REST_S)
            await notifier.wait(version, _LOOK_EVERY_S)

    async def _current(self, version: int) -> list[Frame]:
        async with self._rendering:
            now = asyncio.get_running_loop().time()
            before = self._rendered.get(language())
            if before is None or version > before.version or now - before.at >= _LOOK_EVERY_S * 0.9:
                frames = await run_in_threadpool(self._render)
                self._rendered[language()] = before = _follows(before, frames, version, now)
            return before.frames

    def _render(self) -> list[Frame]:
        now = datetime.now(UTC)
        with self._context.engine.connect() as connection:
            state = chain_state(connection, self._context.health(), now)
            found = balances(connection)
            shown = reserves(connection, found, now)
            decisions = newest_decisions(connection)
            acts = newest_entry(connection)
            work = newest_note(connection)
            alerts = newest_change(connection)
        broken = tuple(
            (
                one.facility,
                one.partner,
                one.overdue,
                *(one.open_counts[name] for name in BREAK_TYPES),
            )
            for one in found
        )
        wall = self._templates.get_template("wall_figures.html").render(view=shown)
        accounts = self._templates.get_template("accounts.html").render(view=shown)
        return [
            Frame(
                "state",
                (state.name, state.label, state.block, state.block_time),
                self._templates.get_template("state.html").render(state=state),
            ),
            Frame("accounts", accounts, accounts),
            Frame("wall", wall, wall),
            Frame("breaks", broken, "changed"),
            Frame("decisions", decisions, "changed"),
            Frame("acts", acts, "changed"),
            Frame("work", work, "changed"),
            Frame("alerts", alerts, "changed"),
        ]
