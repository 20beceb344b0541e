"""Signing in at the bank's OpenID provider: the way there and the way back; and its word that
somebody has signed out there."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.http.context import Context
from app.http.signed_in import address_of, host_cookie
from app.locale import _
from app.people.attempts import ORIGIN_KEPT, logout_key
from app.people.oidc.faults import ProviderUnavailable, SignInRefused
from app.people.oidc.sign_in import BEGUN_ENDS, OidcSignIn, Returned
from app.people.sign_in import TooManyAttempts
from app.web.attempts import CROWDED, Turns, crowded
from app.web.forms import Form, read_form
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
    _add_logout(router, oidc, turns)

    def cookie(request: Request, name: str = "openid") -> str:
        return host_cookie(request, f"tally_{name}_{context.member}", context.channel)

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
        browser = cookie(request, "openid_browser")
        turn = await run_in_threadpool(oidc.turn, request.cookies.get(browser, ""), address)

        def finish() -> Response:
            try:
                found = oidc.finish(
                    begun,
                    Returned(state, code, error, iss),
                    turn=turn,
                    address=address,
                    agent=agent,
                )
            except ProviderUnavailable as fault:
                return show_login(request, 503, sentence(str(fault)))
            except SignInRefused as fault:
                return show_login(request, 403, sentence(str(fault)))
            # No redirect: browsers would follow it without the strict cookie, as the provider's.
            answer = site.html("signed_in.html", to=found.back_to or f"{site.root}/")
            seconds = int(ORIGIN_KEPT.total_seconds())
            site.set_cookie(answer, request, browser, found.browser, seconds, "lax")
            signed_in(request, answer, found.token)
            return answer

        try:
            async with turns.of(turn):
                await asyncio.sleep(await run_in_threadpool(oidc.wait, turn))
                answer = await run_in_threadpool(finish)
        except TooManyAttempts:
            return crowded(await run_in_threadpool(show_login, request, 429, _(CROWDED)))
        site.drop_cookie(answer, cookie(request), "lax")
        return answer


def _add_logout(router: APIRouter, oidc: OidcSignIn, turns: Turns) -> None:
    @router.post("/login/oidc/logout")
    async def end_sessions(
        request: Request, form: Annotated[Form, Depends(read_form)]
    ) -> JSONResponse:
        """The provider itself asks: somebody's session there has ended."""
        token, address = form.text("logout_token"), address_of(request)

        def work() -> JSONResponse:
            try:
                oidc.end_sessions(token, address=address)
            except ProviderUnavailable:
                return _answer(503, {"error": "temporarily_unavailable"})
            except SignInRefused:
                return _answer(400, {"error": "invalid_request"})
            return _answer(200, {})

        if await run_in_threadpool(oidc.has_key_of, token):
            return await run_in_threadpool(work)
        try:  # for other keys the provider is asked: not by everybody at once
            async with turns.of(logout_key(address)):
                return await run_in_threadpool(work)
        except TooManyAttempts:
            return _answer(429, {"error": "slow_down"})


def _answer(status: int, body: dict[str, str]) -> JSONResponse:
    return JSONResponse(body, status, {"Cache-Control": "no-store"})
