"""A problem's JSON becomes a page that says the same, where a browser itself goes somewhere."""

from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.problems import MEDIA_TYPE
from app.web.language import set_reader_language
from app.web.site import Site
from app.web.text import sentence

_FOR_PROGRAMS = ("/v1/", "/health", "/ready", "/metrics")


class ProblemPages:
    """Outermost of a site. Scripts of the pages, and programs, get the JSON."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_for_a_person(scope):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def hold_problem(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")

        await self._app(scope, receive, hold_problem)
        if start is not None:
            await self._show(start, orjson.loads(body), scope, receive, send)

    async def _show(
        self, start: Message, problem: dict[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        await set_reader_language(Request(scope))
        page = self._site.html(
            "problem.html",
            problem["status"],
            missing=problem["status"] == 404 and scope["method"] == "GET",
            sent=scope["method"] != "GET",
            detail=sentence(problem["detail"]),
        )
        for name, value in Headers(scope=start).items():
            if not name.startswith("content-"):
                page.headers.setdefault(name, value)
        await page(scope, receive, send)


def _is_for_a_person(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return (
        "text/html" in headers.get("accept", "")
        and "hx-request" not in headers
        and not path.startswith(_FOR_PROGRAMS)
    )


def _is_problem(start: Message) -> bool:
    return Headers(scope=start).get("content-type", "").startswith(MEDIA_TYPE)
