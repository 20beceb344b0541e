"""What a person has seen of the positions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from app.http.body import JSON, only, read_body
from app.http.context import Context
from app.http.problems import Problem
from app.http.signed_in import allowed_to, check_csrf
from app.people.last_looks import keep_look
from app.people.person import Person
from app.web.text import minute

_MOST_BYTES = 512 * 1024
_Figure = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]
_Figures = TypeAdapter(Annotated[dict[_Figure, _Figure], Field(max_length=10_000)])


def add_seen(router: APIRouter, context: Context) -> None:
    """The route by which a person's page says what they have seen."""

    @router.post("/seen")
    async def seen(
        request: Request, person: Annotated[Person, Depends(allowed_to("view"))]
    ) -> dict[str, str]:
        check_csrf(request)
        only(request, JSON)
        try:
            figures = _Figures.validate_json(await read_body(request, _MOST_BYTES))
        except ValidationError:
            raise Problem(
                422,
                "invalid-request",
                "figures are sent as names and texts of at most 80 characters",
            ) from None

        def keep() -> str:
            with context.engine.begin() as connection:
                return keep_look(connection, person.id, figures)

        return {"seen_at": minute(await run_in_threadpool(keep))}
