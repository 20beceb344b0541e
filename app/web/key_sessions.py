"""Signing in to the page of a node of several channels, with an API key of that node.

People belong to a bank on one channel and sign in there (`app.web.sign_in`).
"""

import hashlib
import secrets
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.http.keys import Keyring
from app.http.problems import Problem
from app.http.signed_in import check_origin, host_cookie, is_from_this_machine
from app.locale import _
from app.web.forms import Form, read_form
from app.web.site import Site

SESSION_SECONDS = 8 * 3600
_MOST_SESSIONS = 10_000
_READERS = ("read", "admin")


class KeySessions:
    """The sessions of one site; they end with this process, and each with its key."""

    def __init__(self, site: Site, keyring: Keyring, cookie: str, *, development: bool) -> None:
        """`development`: the site is open to this machine's readers without a key."""
        self._site = site
        self._keyring = keyring
        self._cookie = cookie
        self._development = development
        self._open: dict[bytes, tuple[str, float]] = {}
        """By the hash of a session's token: the id of its key, and when it ends (monotonic clock).
        The oldest first."""

    def key(self, request: Request) -> str | None:
        """The id of the key that opened this session, while both are good."""
        found = self._open.get(self._hash_of(request))
        if found is None or found[1] <= time.monotonic():
            return None
        key = self._keyring.open_key(found[0])
        return key.id if key is not None and key.role in _READERS else None

    def _begin(self, key_id: str) -> str:
        """Open a session and return its token."""
        now = time.monotonic()
        for token, (_key, ends) in list(self._open.items()):
            if ends > now and len(self._open) < _MOST_SESSIONS:
                break
            self._open.pop(token, None)
        made = secrets.token_urlsafe(32)
        self._open[_hash(made)] = (key_id, now + SESSION_SECONDS)
        return made

    def open_to(self, request: Request) -> bool:
        """Whether anybody may read: a development network, from its own machine."""
        return self._development and is_from_this_machine(request)

    def reader(self, request: Request) -> str | None:
        """Who reads: a session's key id, or None where anybody may. Others get a 401 problem."""
        key = self.key(request)
        if key is None and not self.open_to(request):
            # htmx follows this header; a redirect it would swap into the page.
            to = {"HX-Redirect": f"{self._site.root}/login"}
            raise Problem(401, "unauthorized", "sign in again", headers=to)
        return key

    def add_routes(self, router: APIRouter) -> None:
        """The routes that sign in and out."""
        site = self._site

        @router.get("/login")
        def login() -> HTMLResponse:
            return site.html("key_login.html", error=None)

        @router.post("/login")
        async def sign_in(form: Annotated[Form, Depends(read_form)], request: Request) -> Response:
            key = await run_in_threadpool(self._keyring.verify, form.text("key").strip())
            if key is None:
                return site.html("key_login.html", 401, error=_("This key opens nothing here."))
            if key.role not in _READERS:
                error = _(
                    "A key of role %(role)s may not read. Use one of role read.", role=key.role
                )
                return site.html("key_login.html", 403, error=error)
            answer = RedirectResponse(f"{site.root}/", 303)
            token, name = self._begin(key.id), host_cookie(request, self._cookie)
            site.set_cookie(answer, request, name, token, SESSION_SECONDS)
            return answer

        @router.post("/logout")
        def sign_out(request: Request) -> Response:
            check_origin(request)
            self._open.pop(self._hash_of(request), None)
            answer = RedirectResponse(f"{site.root}/login", 303)
            site.drop_cookie(answer, host_cookie(request, self._cookie))
            return answer

    def _hash_of(self, request: Request) -> bytes:
        """Of the token that the browser sent."""
        return _hash(request.cookies.get(host_cookie(request, self._cookie), ""))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
