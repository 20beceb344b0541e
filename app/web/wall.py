"""A screen on the wall: the positions in large figures, without anything to press.

It is signed in to with an API key of role `read`; the browser keeps a token made from it, which
opens this page and its stream alone, until the key is revoked (docs/decisions/0095).
"""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from app.http.context import Context
from app.http.problems import Problem
from app.http.signed_in import is_open_to, open_session
from app.http.state import keyring_of
from app.readmodel.accounts.balances import balances
from app.web.chain_state import chain_state
from app.web.forms import Form, read_form
from app.web.live import WALL_PARTS, Live, Shown, live_answer
from app.web.reserves import reserves
from app.web.site import Site

_KEPT_S = 365 * 86_400


def add_wall(router: APIRouter, context: Context, site: Site, live: Live) -> None:
    """Its routes."""
    cookie, path = f"tally_wall_{context.member}", f"{site.root}/wall"

    def may_see(request: Request) -> bool:
        token = request.cookies.get(cookie, "")
        if is_open_to(request) or keyring_of(request).screen(token) is not None:
            return True
        session = open_session(request)
        return session is not None and session.person.may("view")

    @router.get("/wall")
    def wall(request: Request) -> Response:
        if not may_see(request):
            return site.html("wall_sign_in.html", 401, failed=False)
        now = datetime.now(UTC)
        live_from = live.shown()
        with context.engine.connect() as connection:
            return site.html(
                "wall.html",
                live_from=live_from,
                state=chain_state(connection, context.health(), now),
                view=reserves(connection, balances(connection), now),
            )

    @router.post("/wall")
    def sign_in(request: Request, form: Annotated[Form, Depends(read_form)]) -> Response:
        token = keyring_of(request).screen_token(form.text("key").strip())
        if token is None:
            return site.html("wall_sign_in.html", 401, failed=True)
        answer = RedirectResponse(path, 303)
        site.set_cookie(answer, request, cookie, token, _KEPT_S, path=path)
        return answer

    @router.get("/wall/live")
    async def stream(request: Request, shown: Shown = "") -> EventSourceResponse:
        if not await run_in_threadpool(may_see, request):
            raise Problem(401, "unauthorized", "sign in to the wall again")

        messages = live.messages(WALL_PARTS, partial(may_see, request), shown)
        return live_answer(messages)
