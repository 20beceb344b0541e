"""Every error as problem+json (RFC 9457).

A problem's `type` is a stable URN (`urn:tallystick:problem:NAME`) that programs may switch on;
`detail` is for people and says what to do. A 500 shows an `error_id` only: the trace stands in the
log under the same id.
"""

import errno
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import (
    ChainFault,
    DatabaseBusy,
    DiskFull,
    EventConflict,
    InputFault,
    StillReading,
    StorageFault,
    TallyError,
)
from app.locale import N_

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
"""What a client is asked to wait when the database is busy or the chain is away."""

_POSTGRES_TAKEN = "23505"
"""A key that a transaction beside this one has taken; SQLite's writers come one after the other."""

_RETRY = {"Retry-After": str(RETRY_AFTER_SECONDS)}
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_log = structlog.get_logger("tallystick.api")

# Names of the problems that come from the framework rather than from our own handlers.
_NAMES = {404: "not-found", 405: "method-not-allowed"}


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

    def body(self, path: str) -> dict[str, Any]:
        """The problem as a JSON object, of a request to this path."""
        return {
            "type": f"urn:tallystick:problem:{self.name}",
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
            "instance": quote(path, "/:@!$&'()*+,;=~"),
            **self.more,
        }

    def response(self, path: str) -> JSONResponse:
        return JSONResponse(self.body(path), self.status_code, self.headers, MEDIA_TYPE)


def unavailable(detail: str) -> Problem:
    """503 with Retry-After: the database or the chain is away for now."""
    return Problem(503, "unavailable", detail, headers=_RETRY)


def not_ready(problems: list[dict[str, Any]]) -> Problem:
    """503 of a node that cannot do its work; `problems` says why, each with its remedy."""
    detail = "; ".join(str(problem["detail"]) for problem in problems)
    return Problem(503, "not-ready", detail, headers=_RETRY, problems=problems)


def problem_of(error: TallyError) -> Problem:
    """One of our errors as the outside may see it: nothing of paths and database addresses."""
    if isinstance(error, EventConflict):
        return Problem(409, "event-conflict", str(error))
    if isinstance(error, InputFault):
        return Problem(422, "invalid-request", str(error))
    if isinstance(error, DiskFull):
        return Problem(
            507,
            "disk-full",
            N_("this node has no room left to store; what was answered as accepted is kept"),
            headers=_RETRY,
        )
    if isinstance(error, DatabaseBusy):
        return unavailable(N_("the database is busy; send the same request again"))
    if isinstance(error, StorageFault):
        return unavailable(N_("the database is away; send the same request again later"))
    if isinstance(error, StillReading):
        return unavailable(N_("the chain is still being read; send the same request again later"))
    if isinstance(error, ChainFault):
        return unavailable(N_("the chain is away; send the same request again later"))
    return Problem(500, "internal", error.what)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem: ours, the framework's, and what nobody foresaw."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        path = request.url.path
        if isinstance(error, Problem):
            return error.response(path)
        detail, headers = error.detail, error.headers
        if error.status_code == 404:
            detail = f"there is nothing at {path}; /openapi.json lists what there is"
        elif error.status_code == 405:
            allowed = _methods(request)
            detail = f"{request.method} is not allowed at {path}; use {allowed}"
            headers = {"Allow": allowed}
        name = _NAMES.get(error.status_code, "error")
        return Problem(error.status_code, name, detail, headers=headers).response(path)

    @app.exception_handler(RequestValidationError)
    async def validation(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"field": ".".join(str(part) for part in each["loc"][1:]), "reason": each["msg"]}
            for each in error.errors()
        ]
        detail = f"{errors[0]['field'] or 'the request'}: {errors[0]['reason']}"
        return Problem(422, "invalid-request", detail, errors=errors).response(request.url.path)

    @app.exception_handler(TallyError)
    async def ours(request: Request, error: TallyError) -> JSONResponse:
        if isinstance(error, (StorageFault, ChainFault)):
            _log.warning("unavailable", path=request.url.path, why=str(error))
        return problem_of(error).response(request.url.path)

    _install_foreign(app)
    app.add_middleware(LastResort)


def _install_foreign(app: FastAPI) -> None:
    """What the system, the driver and the pool raise."""

    @app.exception_handler(OSError)
    async def no_room(request: Request, error: OSError) -> JSONResponse:
        if error.errno != errno.ENOSPC:
            raise error
        _log.warning("no room", path=request.url.path, why=str(error))
        return problem_of(DiskFull(str(error))).response(request.url.path)

    @app.exception_handler(IntegrityError)
    async def overtaken(request: Request, error: IntegrityError) -> JSONResponse:
        if getattr(error.orig, "sqlstate", None) != _POSTGRES_TAKEN:
            raise error
        _log.warning("overtaken", path=request.url.path)
        problem = unavailable(N_("another request has just changed the same; send this one again"))
        return problem.response(request.url.path)

    @app.exception_handler(PoolTimeout)
    async def crowded(request: Request, error: PoolTimeout) -> JSONResponse:
        problem = unavailable(N_("all connections to the database are in use; try again"))
        return problem.response(request.url.path)


def _methods(request: Request) -> str:
    """All methods of an address: the framework's Allow has those of its first route alone."""

    def taken(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return ", ".join(filter(taken, _METHODS))


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
            problem = Problem(
                500,
                "internal",
                f"something failed here; the log of this node has it as {error_id}",
                error_id=error_id,
            )
            await problem.response(scope["path"])(scope, receive, send)
