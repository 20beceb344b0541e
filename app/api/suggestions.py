"""Suggestions for breaks."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request

from app.api.etags import accepted, tagged, view
from app.api.reading import Facility, Paging, Partner, reading
from app.api.security import READ
from app.http.parameters import Number
from app.http.problems import Problem
from app.outbox.loans import loan_refs
from app.presentation.common import Model, PageOut, money_of
from app.presentation.pairs import SuggestionOut, suggestion_out
from app.readmodel.pairs.queries import pair
from app.readmodel.pairs.suggestions import suggestions, suggestions_for

router = APIRouter(prefix="/v1", tags=["pairs"], dependencies=[READ, tagged(view, accepted)])


_MOST_LEGS = 10
"""Searched in one request: with thousands of breaks each takes up to 10 ms."""


class SuggestionsOut(Model):
    """Of one break, best first."""

    items: list[SuggestionOut]


@router.get("/suggestions", summary="Suggestions for one-sided legs")
def list_suggestions(
    request: Request, page: Paging, facility: Facility = None, partner: Partner = None
) -> PageOut[SuggestionOut]:
    """Legs of the lead and of a partner that may be the same event, by reference, amount, date,
    kind and loan. A page holds those of `limit` one-sided legs of the lead, newest first, at most
    of ten: it may be empty and have a `next`."""
    with reading(request) as connection:
        found = suggestions(
            connection,
            partial(loan_refs, connection),
            facility,
            partner,
            min(page.limit, _MOST_LEGS),
            page.before,
        )
        money = money_of(connection)
        return page.out(
            connection, (suggestion_out(one, money) for one in found.items), found.following
        )


@router.get("/breaks/{number}/suggestions", summary="Suggestions for one break")
def list_suggestions_for_break(
    request: Request, number: Annotated[Number, Path(description="The break's number.")]
) -> SuggestionsOut:
    """At most five; none for a break that is not one-sided, or is resolved."""
    with reading(request) as connection:
        found = pair(connection, number)
        if found is None:
            raise Problem(404, "unknown-break", f"nothing has the number {number}")
        money = money_of(connection)
        made = suggestions_for(connection, partial(loan_refs, connection), found)
        return SuggestionsOut(items=[suggestion_out(one, money) for one in made])
