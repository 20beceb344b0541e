"""Every error of the REST face as problem+json (RFC 9457).

A problem's `type` is a stable URN (`urn:tallystick:problem:NAME`) that programs may switch on;
`detail` is for people and says what to do. A 500 shows an `error_id` only: the trace stands in the
log under the same id.
"""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import (
    ChainFault,
    DiskFull,
    EventConflict,
    InputFault,
    StorageFault,
    TallyError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
"""What a client is asked to wait when the database is busy or the chain is away."""

_log = structlog.get_logger("tallystick.api")

# Names of the problems that come from the framework rather than from our own handlers.
_NAMES = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "content-too-large",
    415: "unsupported-media-type",
    500: "internal",
    503: "unavailable",
}


class Problem(HTTPException):
    """An answer that is an error: HTTP status, stable name, what happened and what to do.

    `more` are the extension members of RFC 9457, such as `field` and `reason`.
    """

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.name = name
        self.more = more

    def response(self, path: str) -> JSONResponse:
        return _response(self.status_code, self.name, self.detail, path, self.headers, self.more)


def unavailable(detail: str) -> Problem:
    """503 with Retry-After: something that we stand on is away for now; nothing was done."""
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _of(error: TallyError) -> Problem:
    if isinstance(error, EventConflict):
        return Problem(409, "event-conflict", str(error))
    if isinstance(error, InputFault):
        return Problem(422, "invalid-request", str(error))
    if isinstance(error, DiskFull):
        return Problem(507, "disk-full", str(error))
    if isinstance(error, (StorageFault, ChainFault)):
        return unavailable(str(error))
    return Problem(400, "bad-request", str(error))


def _response(
    status: int,
    name: str,
    detail: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> JSONResponse:
    body = {
        "type": f"urn:tallystick:problem:{name}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        **(more or {}),
    }
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem: ours, the framework's, the database's, the unforeseen."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        path = request.url.path
        if isinstance(error, Problem):
            return error.response(path)
        name = _NAMES.get(error.status_code, "error")
        detail = error.detail
        if error.status_code == 404:
            detail = f"there is nothing at {path}; /docs lists what there is"
        elif error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            detail = f"{request.method} is not allowed at {path}; use {allowed}"
        return _response(error.status_code, name, detail, path, error.headers)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"field": ".".join(str(part) for part in each["loc"][1:]), "reason": each["msg"]}
            for each in error.errors()
        ]
        first = errors[0]
        return _response(
            422,
            "invalid-request",
            f"{first['field'] or 'the request'}: {first['reason']}",
            request.url.path,
            None,
            {"errors": errors},
        )

    @app.exception_handler(TallyError)
    async def ours(request: Request, error: TallyError) -> JSONResponse:
        return _of(error).response(request.url.path)

    async def database(request: Request, error: Exception) -> JSONResponse:
        # The statement and its parameters stay out of the log: they can hold event details.
        cause = getattr(error, "orig", None) or error
        _log.warning("database_unavailable", path=request.url.path, cause=type(cause).__name__)
        return unavailable(
            "the database is busy or away; nothing was stored, send the same request again"
        ).response(request.url.path)

    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, database)

    app.add_middleware(LastResort)


class LastResort:
    """Outermost: what nobody foresaw becomes a 500 problem with an id, and a trace in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            error_id = secrets.token_hex(8)
            _log.exception("unforeseen", error_id=error_id, path=scope["path"])
            if started:  # half an answer is out: only breaking it off tells the client
                raise
            answer = _response(
                500,
                "internal",
                f"something failed here; the log of this node has it as {error_id}",
                scope["path"],
                None,
                {"error_id": error_id},
            )
            await answer(scope, receive, send)
