"""Forms of pages: bounded, of this site, and where somebody is signed in, of that session."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

from app.http.body import only, read_body
from app.http.problems import Problem
from app.http.signed_in import CSRF_FIELD, check_csrf, check_origin

_TYPE = "application/x-www-form-urlencoded"
_MOST_BYTES = 16 * 1024
_MOST_SIGNED_BYTES = 256 * 1024
"""Of a form of somebody who is signed in: the longest texts, nine bytes a character that is not
ASCII."""
_MOST_FIELDS = 200


class Form:
    """The fields of a form."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """A field's text as it was typed; empty where it is not there."""
        return self._fields.get(name, [""])[0]

    def typed(self) -> Mapping[str, list[str]]:
        """All that was typed, but for codes."""
        return {name: values for name, values in self._fields.items() if name != "code"}

    def texts(self, name: str) -> list[str]:
        """All values of a field that may come more than once."""
        return self._fields.get(name, [])


async def read_form(request: Request) -> Form:
    """A form of somebody who is not signed in. Raises a problem for another site's, or one that is
    too large or no form."""
    return await _form(request, _MOST_BYTES)


async def signed_form(request: Request) -> Form:
    """A form of the session that it comes with: a dependency. Raises a problem as `read_form`, and
    for a form without the session's token (`csrf`, or the header `X-CSRF-Token`)."""
    form = await _form(request, _MOST_SIGNED_BYTES)
    check_csrf(request, form.text(CSRF_FIELD) or None)
    return form


def number_of(text: str, most_digits: int = 18) -> int | None:
    """The number that a text is; None where it is none, or has more digits. One of 18 digits is one
    that the database takes."""
    is_number = text.isascii() and text.isdigit() and len(text) <= most_digits
    return int(text) if is_number else None


Filled = Annotated[Form, Depends(signed_form)]
"""What a route's form of somebody who is signed in is declared as."""


async def _form(request: Request, most: int) -> Form:
    check_origin(request)
    only(request, _TYPE)
    body = (await read_body(request, most)).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(422, "invalid-request", f"at most {_MOST_FIELDS} fields are taken") from None
    if any("\0" in value for values in fields.values() for value in values):
        raise Problem(422, "invalid-request", "a field holds a NUL character")
    return Form(fields)
