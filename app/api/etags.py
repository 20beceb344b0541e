"""ETags of reads, and 304 for who has the answer already.

A tag is worked out before the read, from what the answer is made of: each read names its sources,
and the mark of a source is another one after whatever may change in it. Where a source leaves no
trace that is cheap to look at, the tag is of the answer itself (`BY_BODY`). A tag is also over the
address and who asks, under a secret of this process: no tag outlives the code that made an answer.
"""

import hashlib
import secrets
from collections.abc import Callable, Coroutine, Hashable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Column, Connection, func, select

from app.alerts.store import newest_change, open_alerts
from app.api.reading import reading
from app.audit.tables import audit_trail
from app.http.signed_in import session_token
from app.intake.tables import events, quarantine, quarantine_steps
from app.outbox.pending import pending_by_facility
from app.readmodel.chain import position
from app.readmodel.disclosures.tables import granted_openings

_SECRET = secrets.token_bytes(32)

Source = Callable[[Connection], Hashable]
"""Reads the mark of one source of answers."""


IfNoneMatch = Annotated[
    str | None, Header(description="`ETag`s of earlier answers to the same request")
]


class NotModified(Exception):
    """Who asks has the answer of this tag."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


def view(connection: Connection) -> Hashable:
    """What was read from the chain; while names that a grant opens come or go, each time another
    mark."""
    is_moving = connection.execute(select(granted_openings.c.number).limit(1)).first() is not None
    return position(connection), secrets.token_hex(8) if is_moving else ""


def pending(connection: Connection) -> Hashable:
    """What is accepted and not in the view."""
    return tuple(sorted((id_, str(one)) for id_, one in pending_by_facility(connection).items()))


def _newest(*columns: Column[int]) -> Source:
    newest = [select(func.max(one)) for one in columns]
    return lambda connection: tuple(connection.execute(one).scalar_one() for one in newest)


accepted = _newest(events.c.id)
"""The events that this node has accepted."""

quarantined_rows = _newest(quarantine.c.id, quarantine_steps.c.id)
"""Rows that were not taken, and what people did about them."""

trail = _newest(audit_trail.c.number)
"""What people and keys did: each of it is a row of the audit trail."""


def alerts(connection: Connection) -> Hashable:
    """Alerts; the figures of open ones are kept as they are now."""
    return newest_change(connection), str(open_alerts(connection))


def tagged(*sources: Source) -> Any:
    """A dependency of a read that is made of these sources: its answer has a strong ETag, and is
    304 where `If-None-Match` has the tag already."""

    def check(request: Request, response: Response, if_none_match: IfNoneMatch = None) -> None:
        with reading(request) as connection:
            marks = [source(connection) for source in sources]
        response.headers["ETag"] = _new_tag(request, repr(marks).encode(), if_none_match)

    return Depends(check)


VIEWED = tagged(view)
RECORDED = tagged(trail)


def _by_body(request: Request, if_none_match: IfNoneMatch = None) -> None:
    request.state.known_tags = if_none_match or ""


BY_BODY = Depends(_by_body)
"""Of a read of a router of `TaggedByBody`: the read is done, and what is known is not sent."""


class TaggedByBody(APIRoute):
    """A route that tags its answer where it depends on `BY_BODY`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def tagging(request: Request) -> Response:
            response = await answer(request)
            known: str | None = getattr(request.state, "known_tags", None)
            if known is not None:
                response.headers["ETag"] = _new_tag(request, bytes(response.body), known)
            return response

        return tagging


def _new_tag(request: Request, mark: bytes, if_none_match: str | None) -> str:
    """The tag of an answer. Raises NotModified where the client knows it."""
    who = request.headers.get("authorization", ""), session_token(request)
    said = repr((str(request.url), who)).encode() + mark
    tag = f'"{hashlib.blake2b(said, key=_SECRET, digest_size=16).hexdigest()}"'
    known = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    if known & {tag, "*"}:
        raise NotModified(tag)
    return tag


def install(app: FastAPI) -> None:
    """Answer 304."""

    @app.exception_handler(NotModified)
    async def not_modified(request: Request, known: NotModified) -> Response:
        return Response(status_code=304, headers={"ETag": known.tag})


def describe(operation: dict[str, Any]) -> None:
    """Add to an operation of the OpenAPI document what a tagged read answers besides."""
    if any(one["name"] == "if-none-match" for one in operation.get("parameters", ())):
        operation["responses"]["304"] = {"description": "As the answer of the tag that was given"}
        operation["responses"]["200"]["headers"] = {
            "ETag": {"schema": {"type": "string"}, "description": "Strong; for `If-None-Match`"}
        }
