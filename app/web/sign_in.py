"""The page on which people sign in, and signing out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from app.http.context import Context
from app.http.signed_in import address_of, is_open_to, session_cookie, session_token
from app.locale import N_, _
from app.people.development import development_names, sign_in_note
from app.people.person import language_of
from app.people.sessions import ABSOLUTE_END, Sessions
from app.people.sign_in import SignIn, TooManyAttempts
from app.web.attempts import CROWDED, Turns, crowded
from app.web.forms import Form, read_form, signed_form
from app.web.language import remember_language
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

    @router.get("/login")
    def login(request: Request, next: str = "") -> HTMLResponse:
        return page(request, to=_of_this_site(next, site.root))

    @router.post("/login")
    async def sign_in(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        sign_in: SignIn = request.app.state.sign_in
        name, address = form.text("name"), address_of(request)
        to = _of_this_site(form.text("next"), site.root)
        try:
            async with turns.of(address):
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
        await run_in_threadpool(_sessions(request).end, session_token(request))
        seconds = int(ABSOLUTE_END.total_seconds())
        cookie = session_cookie(context)
        answer = site.signed_in(request, to or f"{site.root}/", cookie, token, seconds)
        remember_language(answer, request, await run_in_threadpool(chosen_language, request, token))
        return answer

    def chosen_language(request: Request, token: str) -> str | None:
        session = _sessions(request).find(token)
        if session is None:
            return None
        with context.engine.connect() as connection:
            return language_of(connection, session.person.id)

    @router.post("/logout")
    def sign_out(request: Request, form: Annotated[Form, Depends(signed_form)]) -> Response:
        _sessions(request).end(session_token(request))
        return site.signed_out(session_cookie(context))


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _of_this_site(address: str, root: str) -> str:
    """Where to go after signing in, if it is a page of this site; else nothing."""
    is_ours = address.startswith(f"{root}/") and not address.startswith(("//", "/\\"))
    return address if is_ours and "\\" not in address and address.isprintable() else ""
