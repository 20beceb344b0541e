"""One bank's site: the positions, the other pages, the live stream."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection
from sse_starlette import EventSourceResponse

from app.http.context import Context
from app.http.signed_in import is_open_to, open_session, signed_in
from app.people.last_looks import last_look
from app.people.person import Person
from app.readmodel.accounts.balances import balances
from app.web.acts import add_acts
from app.web.administration.audit import add_audit
from app.web.administration.keys import add_keys
from app.web.administration.people import add_people, add_sessions
from app.web.administration.requests import add_requests
from app.web.administration.webhooks import add_webhooks
from app.web.agreement_acts import add_agreement_acts
from app.web.alerts import add_alerts
from app.web.attempts import Turns
from app.web.design import add_design
from app.web.enrol import add_enrol
from app.web.feed_acts import add_group_acts, add_row_acts
from app.web.feed_upload import add_upload
from app.web.feeds import add_feeds
from app.web.language import add_language, page_router
from app.web.legs import add_legs
from app.web.live import PAGE_PARTS, Live, Shown, live_answer
from app.web.own_sessions import add_own_sessions
from app.web.pages import Pages
from app.web.reports import add_reports
from app.web.reserves import reserves
from app.web.seen import add_seen
from app.web.sign_in import add_sign_in, add_sign_out
from app.web.site import Site
from app.web.subjects import add_subjects
from app.web.wall import add_wall
from app.web.work_list import add_work_list


def treasury_site(context: Context) -> Site:
    """Raises ConfigFault when the page's npm packages are not installed."""
    return Site(
        context.root,
        bank=context.bank,
        role=f"{context.role}{' bank' if context.role in ('lead', 'partner') else ''}",
        channel=context.channel,
        openid=context.oidc is not None,
    )


def create_treasury_page(context: Context, site: Site) -> APIRouter:
    """The page's routes."""
    live = Live(context, site.templates)
    router = page_router()
    pages = Pages(context, site, live)
    turns = Turns()
    add_sign_in(router, context, site, turns)
    add_sign_out(router, context, site)
    add_language(router, site, context)
    add_enrol(router, context, site, turns)
    add_own_sessions(router, context, pages)
    add_work_list(router, context, site, pages)
    add_acts(router, context, site, pages)
    add_agreement_acts(router, context, site, pages)
    add_subjects(router, pages)
    add_design(router, pages)
    add_people(router, context, pages)
    add_sessions(router, context, pages)
    add_keys(router, context, pages)
    add_requests(router, context, pages)
    add_webhooks(router, context, pages)
    add_audit(router, pages)
    add_alerts(router, context, site, pages)
    add_feeds(router, context, pages)
    add_reports(router, context, site, pages)
    add_row_acts(router, context, site, pages)
    add_group_acts(router, context, site, pages)
    add_upload(router, context, site)
    add_legs(router, context, pages)
    add_seen(router, context)
    add_wall(router, context, site, live)
    site.add_files(router)

    def reader(request: Request) -> Person | None:
        """Who reads; None where anybody may."""
        return None if is_open_to(request) else signed_in(request)

    Reader = Annotated[Person | None, Depends(reader)]

    @router.get("/")
    def positions(request: Request) -> Response:
        session = open_session(request)

        def look(connection: Connection, now: datetime) -> dict[str, Any]:
            return {
                "view": reserves(connection, balances(connection), now),
                "seen": (session and last_look(connection, session.person.id)) or False,
            }

        return pages.show(request, "positions.html", look)

    @router.get("/live")
    async def stream(request: Request, reads: Reader, shown: Shown = "") -> EventSourceResponse:
        def may_see() -> bool:
            return reads is None or open_session(request) is not None

        return live_answer(live.messages(PAGE_PARTS, may_see, shown))

    return router
