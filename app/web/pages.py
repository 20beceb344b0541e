"""Answering with a page: who may see it, what every page shows, and what there is no page for."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.alerts.store import count_waiting
from app.http.context import Context
from app.http.problems import Problem
from app.http.signed_in import is_open_to, open_session, session_token, sign_in_address
from app.people.person import Person
from app.people.roles import Right
from app.people.sessions import csrf_token
from app.prepared_acts.store import count_to_sign
from app.web.chain_state import chain_state
from app.web.live import Live
from app.web.site import Site

Look = Callable[[Connection, datetime], dict[str, Any]]
"""Reads what a page shows, at a time, by the names in its template. Where one of the values is None
there is no such page."""


def to_sign(connection: Connection, person: Person | None) -> int:
    """How many acts wait for this person's signature."""
    if person is None or not person.may("sign"):
        return 0
    return count_to_sign(connection, person.id)


class Pages:
    """The pages of one bank's site."""

    def __init__(self, context: Context, site: Site, live: Live) -> None:
        self._context = context
        self._site = site
        self._live = live

    def show(
        self,
        request: Request,
        template: str,
        look: Look,
        status: int = 200,
        right: Right = "view",
    ) -> Response:
        """A page; to whoever is not signed in, the way to sign in. Development networks are open
        for viewing alone."""
        session = open_session(request)
        if session is None and not (is_open_to(request) and right == "view"):
            to = sign_in_address(request)
            if "HX-Request" in request.headers:  # it would swap the sign-in page into this one
                raise Problem(401, "unauthorized", "sign in again", headers={"HX-Redirect": to})
            return RedirectResponse(to, 303)
        if session is not None and not session.person.may(right):
            template, look, status = "forbidden.html", lambda connection, now: {}, 403
        now = datetime.now(UTC)
        live_from = self._live.shown()
        with self._context.engine.connect() as connection:
            values = look(connection, now)
            is_missing = None in values.values()
            return self._site.html(
                "missing.html" if is_missing else template,
                404 if is_missing else status,
                live_from=live_from,
                state=chain_state(connection, self._context.health(), now),
                person=session.person if session else None,
                to_sign=to_sign(connection, session.person if session else None),
                alerts_waiting=count_waiting(connection),
                csrf=csrf_token(session_token(request)) if session else "",
                **values,
            )
