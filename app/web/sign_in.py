"""The page on which people sign in, and signing out."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.http.acting import acting
from app.http.context import Context
from app.http.signed_in import (
    address_of,
    is_open_to,
    open_session,
    session_cookie,
    session_token,
)
from app.http.state import sessions_of, sign_in_of
from app.locale import N_, _
from app.people.development import development_names, sign_in_note
from app.people.person import language_of
from app.people.sign_in import TooManyAttempts
from app.web.attempts import CROWDED, Turns, crowded
from app.web.forms import Filled, Form, read_form
from app.web.language import remember_language
from app.web.openid import add_openid
from app.web.site import Site

Sign = Callable[..., str | None]
"""Signs somebody in from an `address` with an `agent`: the new session's token, or None."""

_REFUSED = N_("That is not right: name, password or code.")


def add_sign_in(router: APIRouter, context: Context, site: Site, turns: Turns) -> None:
    """The routes that sign in."""

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
        sessions_of(request).end(session_token(request))
        seconds = int(context.session_lengths.whole.total_seconds())
        site.set_cookie(answer, request, session_cookie(request), token, seconds)
        session = sessions_of(request).find(token)
        if session is not None:
            with context.engine.connect() as connection:
                remember_language(site, answer, request, language_of(connection, session.person.id))

    async def attempt(request: Request, form: Form, sign: Sign) -> Response:
        """The page to go on to, or what was wrong."""
        name, to = form.text("name"), site.own_page(form.text("next"))
        try:
            token = await _signed(request, turns, name, sign)
        except TooManyAttempts:
            return crowded(await run_in_threadpool(page, request, 429, _(CROWDED), name, to))
        if token is None:
            return await run_in_threadpool(page, request, 401, _(_REFUSED), name, to)
        answer = RedirectResponse(to or f"{site.root}/", 303)
        await run_in_threadpool(begun, request, answer, token)
        return answer

    add_openid(router, context, site, turns, page, begun)

    @router.get("/login")
    def login(request: Request, next: str = "") -> HTMLResponse:
        return page(request, to=site.own_page(next))

    @router.post("/login")
    async def sign_in(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        name, password, code = (form.text(one) for one in ("name", "password", "code"))
        return await attempt(
            request, form, partial(sign_in_of(request).sign_in, name, password, code)
        )

    @router.post("/login/code")
    async def sign_in_by_code(
        request: Request, form: Annotated[Form, Depends(read_form)]
    ) -> Response:
        """For the command line: with a code that the person has made on the page."""
        name, code = form.text("name"), form.text("code")
        return await attempt(
            request, form, partial(sign_in_of(request).sign_in_by_code, name, code)
        )


def add_sign_out(router: APIRouter, context: Context, site: Site) -> None:
    """The route that signs out."""

    @router.post("/logout")
    def sign_out(request: Request, form: Filled) -> Response:
        session = open_session(request)
        if session is not None and form.text("everywhere"):
            with acting(request, session.person):
                sessions_of(request).end_everywhere(session.person)
        sessions_of(request).end(session_token(request))
        answer: Response = RedirectResponse(f"{site.root}/login", 303)
        if session is not None and session.person.is_external and context.oidc is not None:
            # No redirect: the policy lets a form lead to this site alone.
            answer = site.html("signed_out.html", provider=context.oidc.sign_out_address())
        site.drop_cookie(answer, session_cookie(request))
        return answer


async def _signed(request: Request, turns: Turns, name: str, sign: Sign) -> str | None:
    """What `sign` comes to, in its turn and after its wait. Raises TooManyAttempts."""
    sign_in = sign_in_of(request)
    address, agent = address_of(request), request.headers.get("user-agent", "")
    async with turns.of(await run_in_threadpool(sign_in.turn, name, address)):
        await asyncio.sleep(await run_in_threadpool(sign_in.wait, name, address))
        return await run_in_threadpool(sign, address=address, agent=agent)
