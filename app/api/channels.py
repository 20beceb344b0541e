"""The FastAPI application of a node of several channels: each below /channels/NAME, and what the
node tells of all of them.

A channel's keys open that channel and nothing else; the node's own keys open what is here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from app.api.application import application
from app.api.responses import KEYED
from app.api.security import METRICS, NODE_READ
from app.http import problems
from app.http.channels import ChannelAggregator, ChannelState, NodeContext
from app.http.keys import Keyring
from app.http.metrics import Families, channel_families, process_families
from app.http.problems import Problem
from app.presentation.health import ChannelOut, ChannelsOut, NodeHealthOut, NodeNotReadyOut

_THREADS_EACH = 40
_REQUESTS_EACH = 30
"""Requests of one channel at work at a time; others of it wait. The threads that are left are for
its event streams: a channel that hangs must not take the others' threads."""
_STREAMS = ("live", "wall/live", "v1/stream")


router = APIRouter()


@router.get(
    "/channels", tags=["channels"], dependencies=[NODE_READ], summary="The channels of this node"
)
def channels(request: Request) -> ChannelsOut:
    """For keys of the node (`tally keys create NAME --role read --config node.toml`)."""
    return ChannelsOut(items=_channels(request).describe())


@router.get("/health", tags=["health"], summary="Liveness: how many channels do their work")
def health(request: Request) -> NodeHealthOut:
    """200 as long as this process answers. For probes, without a key: it names no channel."""
    return _counted(_channels(request).describe())


@router.get(
    "/ready",
    tags=["health"],
    summary="Readiness: 503 while no channel can do its work",
    responses={503: {"model": NodeNotReadyOut, "description": "No channel can do its work"}},
)
def ready(request: Request) -> NodeHealthOut:
    """One channel's trouble does not make the node unready, because the others go on: alert on
    `tally_ready` of each channel."""
    found = _counted(_channels(request).describe())
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
    families = (*process_families(), *_labelled(_channels(request)))
    return Response(generate_latest(Families(families)), media_type=CONTENT_TYPE_LATEST)


def _channels(request: Request) -> ChannelAggregator:
    channels: ChannelAggregator = request.app.state.context.channels
    return channels


def _counted(found: list[ChannelOut]) -> NodeHealthOut:
    return NodeHealthOut(channels=len(found), ready=sum(not one.problems for one in found))


def _labelled(channels: ChannelAggregator) -> Iterator[Metric]:
    states = channels.states()
    answers = channels.ask(states, lambda context: list(channel_families(context)))
    merged: dict[str, Metric] = {}
    for name, one in states.items():
        for family in answers.get(name) or _unavailable(one):
            into = merged.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            into.samples += [
                sample._replace(labels={"channel": name, **sample.labels})
                for sample in family.samples
            ]
    yield from merged.values()


def _unavailable(one: ChannelState) -> Iterator[Metric]:
    yield GaugeMetricFamily("tally_ready", "1 while the channel can do its work.", value=0)
    problem = GaugeMetricFamily("tally_problem", "What keeps it from its work.", labels=["name"])
    problem.add_metric(["channel-silent" if one.opened else "channel-closed"], 1)
    yield problem


def create_channels_app(context: NodeContext, keyring: Keyring, page: APIRouter) -> FastAPI:
    """The application of a node of several channels, its page included."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = _THREADS_EACH * (
            len(context.channels.states()) + 1
        )
        yield

    app = application(
        context,
        keyring,
        summary="A node of several channels, each a chain of its own: /channels/NAME/openapi.json.",
        lifespan=lifespan,
    )
    app.include_router(router, responses=KEYED)
    app.include_router(page)
    app.mount("/channels", _Dispatch(context.channels))
    return app


class _Dispatch:
    """Hands each request on to the channel that its address names."""

    def __init__(self, channels: ChannelAggregator) -> None:
        self._channels = channels
        self._limits: dict[str, asyncio.Semaphore] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["path"].removeprefix(f"{scope['root_path']}/")
        name, slash, rest = below.partition("/")
        state = self._channels.state(name)
        if state is None:
            raise Problem(404, "not-found", "this node has no channel of that name")
        if state.opened is None:
            raise problems.unavailable("this channel is not open now; the node tries again")
        root = f"{scope['root_path']}/{name}"
        if not slash:
            await RedirectResponse(f"{root}/", 307)(scope, receive, send)
            return
        inner = {**scope, "root_path": root}
        with bound_contextvars(channel=name):
            if rest in _STREAMS:  # for as long as somebody listens
                await state.opened.application(inner, receive, send)
                return
            async with self._limits.setdefault(name, asyncio.Semaphore(_REQUESTS_EACH)):
                await state.opened.application(inner, receive, send)
