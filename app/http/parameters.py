"""What no parameter of a request may hold."""

from typing import Annotated
from urllib.parse import unquote_to_bytes

from pydantic import Field
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.numbers import LARGEST, LARGEST_SMALL
from app.http.problems import Problem

Number = Annotated[int, Field(ge=0, le=LARGEST)]
"""A number that a column of 64 bits is compared with: PostgreSQL refuses one beyond it."""

SmallNumber = Annotated[int, Field(ge=0, le=LARGEST_SMALL)]
"""The same for a column of 32 bits."""


class RefuseNul:
    """No text here has a NUL character, and PostgreSQL takes none: a 422 problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (
            "\0" in scope["path"] or b"\0" in unquote_to_bytes(scope["query_string"])
        ):
            problem = Problem(422, "invalid-request", "the address holds a NUL character (%00)")
            await problem.response(scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)
