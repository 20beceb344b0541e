"""What an administrator's form does, and the page that answers it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from app.domain.errors import UsageFault
from app.http.context import Context
from app.http.dual_control import Change, Made, ask, waiting
from app.http.problems import Problem
from app.http.signed_in import allowed_to
from app.http.signing import administer
from app.people.administration import Administrator
from app.people.person import Person
from app.web.forms import Form
from app.web.pages import Pages
from app.web.text import sentence

Admin = Annotated[Person, Depends(allowed_to("administer"))]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]

Work = Callable[[Connection, Administrator], Made | None]
"""Done in one transaction; what it makes is shown. Raises UsageFault for what cannot be done."""


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
        self,
        request: Request,
        status: int = 200,
        *,
        error: str = "",
        made: Made | None = None,
        typed: Mapping[str, list[str]] | None = None,
    ) -> Response:
        """The page; 403 for who is no administrator. `typed`: in a form that was refused."""

        def look(connection: Connection, _: object) -> dict[str, Any]:
            shown = {"tab": self._name, "error": error, "made": made or {}, "typed": typed or {}}
            return {**shown, "to_confirm": len(waiting(connection)), **self._listed(connection)}

        return self._pages.show(request, f"{self._name}.html", look, status, "administer")

    def change(self, request: Request, admin: Person, form: Form, change: Change) -> Response:
        """Do what a form asks for, or let it wait for another administrator."""
        return self.perform(
            request, admin, form, lambda connection, by: ask(connection, by, change)
        )

    def perform(self, request: Request, admin: Person, form: Form | None, work: Work) -> Response:
        """Do what a form asks for; then the page again, with what was made or what was wrong.
        `form` has the administrator's second factor; None where none is asked for."""
        typed = {} if form is None else form.typed()
        try:
            made = administer(request, admin, None if form is None else form.text("code"), work)
        except Problem as problem:
            why = sentence(str(problem.detail))
            return self.show(request, problem.status_code, error=why, typed=typed)
        except UsageFault as fault:
            return self.show(request, 422, error=sentence(str(fault)), typed=typed)
        return self.show(request, made=made) if made else RedirectResponse(self._address, 303)
