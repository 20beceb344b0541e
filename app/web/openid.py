"""Signing in at the bank's OpenID provider: the way there and the way back."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.http.context import Context
from app.http.signed_in import address_of, host_cookie
from app.locale import _
from app.people.attempts import openid_key
from app.people.oidc.faults import ProviderUnavailable, SignInRefused
from app.people.oidc.sign_in import BEGUN_ENDS, OidcSignIn, Returned
from app.people.sign_in import TooManyAttempts
from app.web.attempts import CROWDED, Turns, crowded
from app.web.site import Site
from app.web.text import sentence

ShowLogin = Callable[[Request, int, str], HTMLResponse]
"""The sign-in page, with a status and what was wrong."""
SignedIn = Callable[[Request, Response, str], None]
"""Gives an answer the cookie of a session's token, and ends the session before."""


def add_openid(
    router: APIRouter,
    context: Context,
    site: Site,
    turns: Turns,
    show_login: ShowLogin,
    signed_in: SignedIn,
) -> None:
    """Its routes, where the bank has named a provider."""
    if context.oidc is None:
        return
    oidc: OidcSignIn = context.oidc

    def cookie(request: Request) -> str:
        return host_cookie(request, f"tally_openid_{context.member}", context.channel)

    @router.get("/login/oidc")
    def begin(request: Request, next: Annotated[str, Query(max_length=1000)] = "") -> Response:
        try:
            address, begun = oidc.begin(site.own_page(next))
        except ProviderUnavailable as fault:
            return show_login(request, 503, sentence(str(fault)))
        answer = RedirectResponse(address, 303)
        # Lax: it must come back when the provider, another site, sends the browser here.
        site.set_cookie(
            answer, request, cookie(request), begun, int(BEGUN_ENDS.total_seconds()), "lax"
        )
        return answer

    @router.get("/login/oidc/callback")
    async def come_back(
        request: Request,
        state: Annotated[str, Query(max_length=256)] = "",
        code: Annotated[str, Query(max_length=4096)] = "",
        error: Annotated[str, Query(max_length=256)] = "",
        iss: Annotated[str | None, Query(max_length=1024)] = None,
    ) -> Response:
        address = address_of(request)
        begun = request.cookies.get(cookie(request), "")
        agent = request.headers.get("user-agent", "")

        def finish() -> Response:
            try:
                token, to = oidc.finish(
                    begun, Returned(state, code, error, iss), address=address, agent=agent
                )
            except ProviderUnavailable as fault:
                return show_login(request, 503, sentence(str(fault)))
            except SignInRefused as fault:
                return show_login(request, 403, sentence(str(fault)))
            # No redirect: browsers would follow it without the strict cookie, as the provider's.
            answer = site.html("signed_in.html", to=to or f"{site.root}/")
            signed_in(request, answer, token)
            return answer

        try:
            async with turns.of(openid_key(address)):
                await asyncio.sleep(await run_in_threadpool(oidc.wait, address))
                answer = await run_in_threadpool(finish)
        except TooManyAttempts:
            return crowded(await run_in_threadpool(show_login, request, 429, _(CROWDED)))
        site.drop_cookie(answer, cookie(request), "lax")
        return answer
