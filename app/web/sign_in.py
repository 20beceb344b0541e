"""The page on which people sign in, and signing out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.http.context import Context
from app.http.signed_in import (
    address_of,
    is_open_to,
    open_session,
    session_cookie,
    session_token,
)
from app.locale import N_, _
from app.people.development import development_names, sign_in_note
from app.people.person import language_of
from app.people.sessions import Sessions
from app.people.sign_in import SignIn, TooManyAttempts
from app.web.attempts import CROWDED, Turns, crowded
from app.web.forms import Form, read_form, signed_form
from app.web.language import remember_language
from app.web.openid import add_openid
from app.web.site import Site

_REFUSED = N_("That is not right: name, password or code.")


def add_sign_in(router: APIRouter, context: Context, site: Site, turns: Turns) -> None:
    """The routes that sign in and out."""

    def page(
        request: Request, status: int = 200, error: str = "", name: str = "", to: str = ""
    ) -> HTMLResponse:
        names: list[str] = []
        if is_open_to(request):
            with context.engine.connect() as connection:
                names = development_names(connection)
        return site.html(
            "login.html",
            status,
            error=error,
            typed_name=name,
            next=to,
            development_names=names,
            development_note=sign_in_note(),
        )

    def begun(request: Request, answer: Response, token: str) -> None:
        _sessions(request).end(session_token(request))
        seconds = int(context.session_lengths.whole.total_seconds())
        site.set_cookie(answer, request, session_cookie(request), token, seconds)
        session = _sessions(request).find(token)
        if session is not None:
            with context.engine.connect() as connection:
                remember_language(answer, request, language_of(connection, session.person.id))

    add_openid(router, context, site, turns, page, begun)

    @router.get("/login")
    def login(request: Request, next: str = "") -> HTMLResponse:
        return page(request, to=site.own_page(next))

    @router.post("/login")
    async def sign_in(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        sign_in: SignIn = request.app.state.sign_in
        name, address = form.text("name"), address_of(request)
        to = site.own_page(form.text("next"))
        try:
            async with turns.of(await run_in_threadpool(sign_in.turn, name, address)):
                await asyncio.sleep(await run_in_threadpool(sign_in.wait, name, address))
                token = await run_in_threadpool(
                    sign_in.sign_in,
                    name,
                    form.text("password"),
                    form.text("code"),
                    address=address,
                    agent=request.headers.get("user-agent", ""),
                )
        except TooManyAttempts:
            return crowded(await run_in_threadpool(page, request, 429, _(CROWDED), name, to))
        if token is None:
            return await run_in_threadpool(page, request, 401, _(_REFUSED), name, to)
        answer = RedirectResponse(to or f"{site.root}/", 303)
        await run_in_threadpool(begun, request, answer, token)
        return answer

    @router.post("/logout")
    def sign_out(request: Request, form: Annotated[Form, Depends(signed_form)]) -> Response:
        session = open_session(request)
        _sessions(request).end(session_token(request))
        answer: Response = RedirectResponse(f"{site.root}/login", 303)
        if session is not None and session.person.is_external and context.oidc is not None:
            # No redirect: the policy lets a form lead to this site alone.
            answer = site.html("signed_out.html", provider=context.oidc.sign_out_address())
        site.drop_cookie(answer, session_cookie(request))
        return answer


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions
