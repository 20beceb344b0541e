"""What an administrator's form does, and the page that answers it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from app.audit.actor import acting_as
from app.domain.errors import UsageFault
from app.http.context import Context
from app.http.signed_in import address_of, allowed_to
from app.locale import _, said
from app.people.administration import Administrator
from app.people.person import Person
from app.web.forms import Form, signed_form
from app.web.pages import Pages
from app.web.text import capital

Admin = Annotated[Person, Depends(allowed_to("administer"))]
Filled = Annotated[Form, Depends(signed_form)]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]

Made = Mapping[str, str]
"""What was made and is shown this once, by its name in the template; empty where nothing was."""
Work = Callable[[Connection, Administrator], Made]
"""Done in one transaction. Raises UsageFault for what cannot be done."""


class Tab:
    """One page of the administration with its forms. Its template is named as the tab is."""

    def __init__(
        self,
        context: Context,
        pages: Pages,
        name: str,
        address: str,
        listed: Callable[[Connection], Mapping[str, Any]],
    ) -> None:
        """`listed` reads what it shows; `address` is its path."""
        self._context = context
        self._pages = pages
        self._name = name
        self._address = f"{context.root}/{address}"
        self._listed = listed

    def show(
        self, request: Request, status: int = 200, *, error: str = "", made: Made | None = None
    ) -> Response:
        """The page; 403 for who is no administrator."""

        def look(connection: Connection, _: object) -> dict[str, Any]:
            shown = {"tab": self._name, "error": error, "made": made or {}}
            return {**shown, **self._listed(connection)}

        return self._pages.show(request, f"{self._name}.html", look, status, "administer")

    async def perform(self, request: Request, admin: Person, work: Work) -> Response:
        """Do what a form asks for; then the page again, with what was made or what was wrong."""
        by = Administrator(f"person:{admin.name}", admin.id, address_of(request))

        def answer() -> Response:
            try:
                with acting_as(by.actor, by.address), self._context.engine.begin() as connection:
                    made = work(connection, by)
            except UsageFault as fault:
                return self.show(request, 422, error=capital(said(str(fault))) + _("."))
            return self.show(request, made=made) if made else RedirectResponse(self._address, 303)

        return await run_in_threadpool(answer)
