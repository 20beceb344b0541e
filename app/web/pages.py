"""Answering with a page: who may see it, what every page shows, and what there is no page for."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response
from sqlalchemy import Connection

from app.http.context import Context
from app.web.chain_state import chain_state
from app.web.sessions import Sessions
from app.web.site import Site

Look = Callable[[Connection, datetime], dict[str, Any]]
"""Reads what a page shows, at a time, by the names in its template. Where one of the values is None
there is no such page."""


class Pages:
    """The pages of one bank's site."""

    def __init__(self, context: Context, site: Site, sessions: Sessions) -> None:
        self._context = context
        self._site = site
        self._sessions = sessions

    def show(self, request: Request, template: str, look: Look) -> Response:
        """A page; without a session, the way to sign in."""
        key = self._sessions.key(request)
        if key is None and not self._sessions.open_to(request):
            return self._sessions.sign_in_first()
        now = datetime.now(UTC)
        with self._context.engine.connect() as connection:
            values = look(connection, now)
            is_missing = None in values.values()
            return self._site.html(
                "missing.html" if is_missing else template,
                404 if is_missing else 200,
                state=chain_state(connection, self._context.health(), now),
                signed_in=key is not None,
                development=key is None,
                **values,
            )
