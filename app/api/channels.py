"""The FastAPI application of a node of several channels: each below /channels/NAME, and what the
node tells of all of them.

A channel's keys open that channel and nothing else; the node's own keys open what is here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from app.api import problems
from app.api.headers import Headers
from app.api.keys import Keyring
from app.api.metrics import Families, process_families
from app.api.panel import NodeContext, Panel, Standing
from app.api.problems import Problem
from app.api.security import METRICS, READ
from app.presentation.channel_models import ChannelOut, ChannelsOut, NodeHealthOut, NodeNotReadyOut
from app.web.channels_page import create_channels_page

_THREADS_EACH = 40
_REQUESTS_EACH = 30
"""Requests of one channel at work at a time; others of it wait. The threads that are left are for
its event streams: a channel that hangs must not take the others' threads."""


router = APIRouter()


@router.get(
    "/channels", tags=["channels"], dependencies=[READ], summary="The channels of this node"
)
def channels(request: Request) -> ChannelsOut:
    """For keys of the node (`tally keys create NAME --role read --config node.toml`)."""
    return ChannelsOut(items=_panel(request).look())


@router.get("/health", tags=["health"], summary="Liveness: how many channels do their work")
def health(request: Request) -> NodeHealthOut:
    """200 as long as this process answers. For probes, without a key: it names no channel."""
    return _counted(_panel(request).look())


@router.get(
    "/ready",
    tags=["health"],
    summary="Readiness: 503 while no channel can do its work",
    responses={503: {"model": NodeNotReadyOut, "description": "No channel can do its work"}},
)
def ready(request: Request) -> NodeHealthOut:
    """One channel's trouble does not make the node unready, because the others go on: alert on
    `tally_ready` of each channel."""
    found = _counted(_panel(request).look())
    if not found.ready:
        raise Problem(
            503,
            "not-ready",
            "no channel of this node can do its work; GET /channels tells why",
            headers={"Retry-After": str(problems.RETRY_AFTER_SECONDS)},
            **found.model_dump(),
        )
    return found


@router.get(
    "/metrics",
    tags=["health"],
    summary="Metrics of all channels for Prometheus",
    dependencies=[METRICS],
    response_class=Response,
)
def metrics(request: Request) -> Response:
    """For keys of the node of role `metrics` (or `admin`). Each series of a channel carries its
    name as the label `channel`; a channel that is not open or does not answer has no other series
    than `tally_ready` and `tally_problem`."""
    panel = _panel(request)
    families = (*process_families(), *_labelled(panel))
    return Response(generate_latest(Families(families)), media_type=CONTENT_TYPE_LATEST)


def _panel(request: Request) -> Panel:
    panel: Panel = request.app.state.context.panel
    return panel


def _counted(found: list[ChannelOut]) -> NodeHealthOut:
    return NodeHealthOut(channels=len(found), ready=sum(not one.problems for one in found))


def _labelled(panel: Panel) -> Iterator[Metric]:
    standings = panel.standings()
    told = panel.ask(standings, lambda context: list(context.metrics.collect(context)))
    merged: dict[str, Metric] = {}
    for name, one in standings.items():
        for family in told.get(name) or _untold(one):
            into = merged.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            into.samples += [
                sample._replace(labels={"channel": name, **sample.labels})
                for sample in family.samples
            ]
    yield from merged.values()


def _untold(one: Standing) -> Iterator[Metric]:
    yield GaugeMetricFamily("tally_ready", "1 while the channel can do its work.", value=0)
    problem = GaugeMetricFamily("tally_problem", "What keeps it from its work.", labels=["name"])
    problem.add_metric(["channel-silent" if one.opened else "channel-closed"], 1)
    yield problem


def create_channels_app(context: NodeContext) -> FastAPI:
    """The faces of a node of several channels. Raises ConfigFault when the pages' npm packages are
    not installed."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = _THREADS_EACH * (
            len(context.panel.standings()) + 1
        )
        yield

    app = FastAPI(
        title="Tallystick",
        summary="A node of several channels, each a chain of its own: /channels/NAME/openapi.json.",
        version=version("tallystick"),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = context
    app.state.keyring = Keyring(context.engine)
    app.include_router(router)
    app.include_router(create_channels_page(context, app.state.keyring))
    app.mount("/channels", _Channels(context.panel))
    app.add_middleware(Headers)
    problems.install(app)
    return app


class _Channels:
    """Hands each request on to the channel that its address names."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._room: dict[str, asyncio.Semaphore] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["path"].removeprefix(f"{scope['root_path']}/")
        name, slash, rest = below.partition("/")
        standing = self._panel.standing(name)
        if standing is None:
            raise Problem(404, "not-found", "this node has no channel of that name")
        if standing.opened is None:
            raise problems.unavailable("this channel is not open now; the node tries again")
        root = f"{scope['root_path']}/{name}"
        if not slash:
            await RedirectResponse(f"{root}/", 307)(scope, receive, send)
            return
        inner = {**scope, "root_path": root}
        with bound_contextvars(channel=name):
            if rest == "live":  # for as long as its page is open
                await standing.opened.faces(inner, receive, send)
                return
            async with self._room.setdefault(name, asyncio.Semaphore(_REQUESTS_EACH)):
                await standing.opened.faces(inner, receive, send)
