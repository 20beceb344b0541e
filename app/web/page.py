"""The page's routes: signing in, the page itself, its list of breaks, and its live stream."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from itsdangerous import BadSignature, URLSafeTimedSerializer
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.api import received
from app.api.body import only, read_body
from app.api.context import Context
from app.api.keys import Keyring
from app.api.problems import Problem
from app.domain.errors import ConfigFault
from app.readmodel.sums import balances
from app.web import view
from app.web.live import Live

COOKIE = "tally_session"
SESSION_SECONDS = 8 * 3600

_FORM = "application/x-www-form-urlencoded"
_MAX_FORM_BYTES = 4 * 1024
_READERS = ("read", "admin")
_LOOPBACK_HOSTS = ("127.0.0.1", "::1")
_LOOPBACK_NAMES = (*_LOOPBACK_HOSTS, "localhost")
_FOREVER = "public, max-age=31536000, immutable"

_HERE = Path(__file__).parent
_MODULES = _HERE / "node_modules"
_FILES: dict[str, tuple[Path, str]] = {
    "page.css": (_HERE / "static/page.css", "text/css"),
    "page.js": (_HERE / "static/page.js", "text/javascript"),
    "mark.svg": (_HERE / "static/mark.svg", "image/svg+xml"),
    "vendor/htmx.min.js": (_MODULES / "htmx.org/dist/htmx.min.js", "text/javascript"),
    "vendor/sse.js": (_MODULES / "htmx-ext-sse/dist/sse.min.js", "text/javascript"),
    "font/inter-latin.woff2": (
        _MODULES / "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
        "font/woff2",
    ),
    "font/inter-latin-ext.woff2": (
        _MODULES / "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
        "font/woff2",
    ),
}
"""What browsers may load, and nothing else of those folders."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_page(context: Context, keyring: Keyring) -> APIRouter:
    """The page's routes. Raises ConfigFault when its npm packages are not installed."""
    version = _version()
    templates = Environment(
        loader=PackageLoader("app.web"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["age"] = view.age
    templates.filters["whole"] = "{:,}".format
    templates.globals.update(
        bank=context.bank,
        role=f"{context.role}{' bank' if context.role in ('lead', 'partner') else ''}",
        version=version,
        type_choices=list(view.TYPE_LABELS.items()),
    )
    sessions = URLSafeTimedSerializer(secrets.token_bytes(32), salt="page session")
    live = Live(context, templates)
    router = APIRouter(include_in_schema=False)

    def html(name: str, status: int = 200, **values: Any) -> HTMLResponse:
        body = templates.get_template(name).render(**values)
        return HTMLResponse(body, status, {"Content-Security-Policy": _POLICY})

    def session_key(request: Request) -> str | None:
        """The id of the key that opened this session, while both are good."""
        try:
            key_id = sessions.loads(request.cookies.get(COOKIE, ""), max_age=SESSION_SECONDS)
        except BadSignature:
            return None
        key = keyring.open_key(str(key_id))
        return key.id if key is not None and key.role in _READERS else None

    def open_to(request: Request) -> bool:
        """Whether anybody may read: a development network, from its own machine."""
        return context.development and _on_this_machine(request)

    def reader(request: Request) -> str | None:
        """Who reads: a session's key id, or None where anybody may. Others get a 401 problem."""
        key_id = session_key(request)
        if key_id is None and not open_to(request):
            # htmx follows this header; a redirect it would swap into the page.
            raise Problem(401, "unauthorized", "sign in again", headers={"HX-Redirect": "/login"})
        return key_id

    Reader = Annotated[str | None, Depends(reader)]

    def filters(
        facility: str | None = None,
        partner: str | None = None,
        type: str | None = None,
        text: Annotated[str | None, Query(max_length=64)] = None,
        overdue: bool = False,
    ) -> view.BreakFilters:
        known = type if type in view.TYPE_LABELS else None
        return view.BreakFilters(facility or None, partner or None, known, text or None, overdue)

    Filters = Annotated[view.BreakFilters, Depends(filters)]
    Before = Annotated[int | None, Query(ge=1, lt=2**63)]

    @router.get("/")
    def page(request: Request, where: Filters, before: Before = None) -> Response:
        reads = session_key(request)
        if reads is None and not open_to(request):
            return RedirectResponse("/login", 303)
        now = datetime.now(UTC)
        with context.engine.connect() as connection:
            accounts = balances(connection)
            facilities, partners = view.choices(accounts)
            return html(
                "page.html",
                state=view.chain_state(connection, context.health(), now),
                view=view.reserves(connection, accounts, received.pending(connection), now),
                breaks=view.break_list(connection, where, before, now),
                filters=where,
                facility_choices=facilities,
                partner_choices=partners,
                signed_in=reads is not None,
                development=reads is None,
            )

    @router.get("/breaks")
    def breaks(
        request: Request, reads: Reader, where: Filters, before: Before = None
    ) -> HTMLResponse:
        with context.engine.connect() as connection:
            found = view.break_list(connection, where, before, datetime.now(UTC))
        answer = html("breaks.html", breaks=found)
        # The list that renews itself leaves the address alone.
        if request.headers.get("HX-Trigger") != "breaks-list":
            answer.headers["HX-Replace-Url"] = f"/{found.query}"
        return answer

    @router.get("/live")
    async def stream(request: Request, reads: Reader) -> EventSourceResponse:
        async def messages() -> AsyncIterator[ServerSentEvent]:
            async for frame in live.frames():
                # A revoked key ends its sessions' streams, too.
                if reads is not None and await run_in_threadpool(session_key, request) is None:
                    return
                yield ServerSentEvent(event=frame.event, data=frame.html, sep="\n")

        return EventSourceResponse(messages(), ping=15, sep="\n")

    @router.get("/login")
    def login() -> HTMLResponse:
        return html("login.html", error=None)

    @router.post("/login")
    async def sign_in(request: Request) -> Response:
        only(request, _FORM)
        form = parse_qs((await read_body(request, _MAX_FORM_BYTES)).decode("utf-8", "replace"))
        text = form.get("key", [""])[0].strip()
        key = await run_in_threadpool(keyring.verify, text)
        if key is None:
            return html("login.html", 401, error="This key opens nothing here.")
        if key.role not in _READERS:
            error = f"A key of role {key.role} may push events, not read. Use one of role read."
            return html("login.html", 403, error=error)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE,
            sessions.dumps(key.id),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.post("/logout")
    def sign_out() -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    @router.get("/static/{name:path}")
    def static(name: str) -> FileResponse:
        if name not in _FILES:
            raise Problem(404, "not-found", f"there is no file {name!r} here")
        path, media_type = _FILES[name]
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": _FOREVER})

    return router


def _on_this_machine(request: Request) -> bool:
    # The name too: another site's name that was made to lead here must not open the page.
    return (
        request.client is not None
        and request.client.host in _LOOPBACK_HOSTS
        and request.url.hostname in _LOOPBACK_NAMES
    )


def _version() -> str:
    """Changes whenever a served file does, so that browsers may keep each version forever."""
    digest = hashlib.sha256()
    for path, _ in _FILES.values():
        try:
            digest.update(path.read_bytes())
        except FileNotFoundError:
            raise ConfigFault(
                "the page's npm packages are not installed",
                where=str(path.relative_to(_HERE.parent.parent)),
                remedy="Run `make setup`, or `npm ci` in app/web",
            ) from None
    return digest.hexdigest()[:12]
