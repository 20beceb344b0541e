"""The page of a node of several channels: how each of them is, and the way to its own page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.http.channels import NodeContext
from app.http.keys import Keyring
from app.locale import N_, _, said
from app.presentation.health import ChannelOut
from app.web.chain_state import STATES
from app.web.key_sessions import KeySessions
from app.web.language import add_language, page_router
from app.web.site import Site

# Not the treasury pages' name: browsers send this one to them, too.
COOKIE = "tally_node_session"


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel as it is shown. `tone`: good, warn or bad."""

    name: str
    address: str | None
    """Of its page; None while that is not served."""
    bank: str
    role: str
    label: str
    tone: str
    block: int | None
    waiting: int | None
    """Accepted events that are not on the chain yet."""
    troubles: Sequence[str]


def channels_site(context: NodeContext) -> Site:
    """Raises ConfigFault when the page's npm packages are not installed."""
    return Site("", bank=context.bank)


def create_channels_page(context: NodeContext, keyring: Keyring, site: Site) -> APIRouter:
    """The page's routes."""
    sessions = KeySessions(site, keyring, COOKIE, development=context.development)
    router = page_router()
    add_language(router, site)
    sessions.add_routes(router)
    site.add_files(router)

    def lines() -> list[ChannelLine]:
        return [_line(one) for one in context.channels.describe()]

    @router.get("/")
    def page(request: Request) -> Response:
        reads = sessions.key(request)
        if reads is None and not sessions.open_to(request):
            return RedirectResponse(f"{site.root}/login", 303)
        return site.html(
            "channels.html", lines=lines(), signed_in=reads is not None, development=reads is None
        )

    @router.get("/channel-list")
    def listed(reads: Annotated[str | None, Depends(sessions.reader)]) -> HTMLResponse:
        return site.html("channel_list.html", lines=lines())

    return router


def _line(one: ChannelOut) -> ChannelLine:
    health = one.health
    if health is not None:
        label, tone, _announcement = STATES[health.status]
        if health.posting == "stopped" and tone == "good":
            label, tone = N_("Posting stopped"), "bad"
        elif one.problems and tone == "good":
            label, tone = N_("Not ready"), "bad"
    else:
        label, tone = _CLOSED[one.state]
    waiting = None
    if health is not None and health.outbox is not None:
        waiting = health.outbox.waiting_events
    return ChannelLine(
        name=one.name,
        address=one.address if one.state in ("open", "silent") else None,
        bank=one.bank,
        role=health.role if health else "",
        label=_(label),
        tone=tone,
        block=health.chain.block if health else None,
        waiting=waiting,
        troubles=[
            f"{said(each.detail)}. {said(each.remedy)}." for each in (*one.problems, *one.warnings)
        ],
    )


_CLOSED = {
    "opening": (N_("Starting"), "warn"),
    "closed": (N_("Cannot be opened"), "bad"),
    "silent": (N_("Does not answer"), "bad"),
}
