"""The page of a person's own sessions: a code for the command line, and ending what is open."""

import shlex
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.acting import acting
from app.http.context import Context
from app.http.problems import Problem
from app.http.signed_in import open_session, sign_in_address
from app.http.signing import check_second_factor
from app.http.state import sessions_of
from app.people.command_line import CommandLineCode, make_code
from app.people.directory import listed_sessions
from app.people.second_factor import has_second_factor
from app.people.sessions import Session
from app.web.forms import Filled
from app.web.pages import Pages
from app.web.text import sentence

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]


def add_own_sessions(router: APIRouter, context: Context, pages: Pages) -> None:
    """Its routes."""

    def show(
        request: Request,
        session: Session,
        status: int = 200,
        *,
        error: str = "",
        made: CommandLineCode | None = None,
    ) -> Response:
        person = session.person
        node = f"{str(request.base_url).rstrip('/')}{context.root}"
        command = shlex.join(["tally", "sign-in", person.name, "--code", "--node", node])

        def look(connection: Connection, _: datetime) -> dict[str, Any]:
            return {
                "error": error,
                "made": made or False,
                "command": command,
                "has_second_factor": has_second_factor(connection, person.id),
                "sessions": listed_sessions(connection, context.session_lengths, of=person.id),
                "this": session.id,
            }

        return pages.show(request, "own_sessions.html", look, status)

    def answered(request: Request, work: Callable[[Session], Response]) -> Response:
        """To whoever is signed in; what is wrong is said on the page."""
        session = open_session(request)
        if session is None:
            return RedirectResponse(sign_in_address(request), 303)
        try:
            with acting(request, session.person):
                return work(session)
        except Problem as problem:
            error = sentence(str(problem.detail))
            return show(request, session, problem.status_code, error=error)
        except UsageFault as fault:
            return show(request, session, 422, error=sentence(str(fault)))

    @router.get("/sessions")
    def page(request: Request) -> Response:
        return answered(request, lambda session: show(request, session))

    @router.post("/sessions/code")
    def code(request: Request, form: Filled) -> Response:
        def work(session: Session) -> Response:
            check_second_factor(request, session.person, form.text("code"))
            with context.engine.begin() as connection:
                made = make_code(connection, session)
            return show(request, session, made=made)

        return answered(request, work)

    @router.post("/sessions/{id}/end")
    def end(request: Request, form: Filled, id: Id) -> Response:
        def work(session: Session) -> Response:
            sessions_of(request).end_own(session.person, id)
            return RedirectResponse(f"{context.root}/sessions", 303)

        return answered(request, work)
