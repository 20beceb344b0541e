"""What the reading routes share: the database's connection, and pages."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Query, Request
from sqlalchemy import Connection

from app.http.problems import Problem
from app.http.state import context_of
from app.presentation.common import PageOut, as_of

MAX_PAGE = 1_000
DEFAULT_PAGE = 100

Facility = Annotated[str | None, Query(description="A facility's id")]
Partner = Annotated[str | None, Query(description="A partner's name")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


@contextmanager
def reading(request: Request) -> Iterator[Connection]:
    """A connection to the node's database, to read from."""
    with context_of(request).engine.connect() as connection:
        yield connection


class Numbered(Protocol):
    """A line that a cursor can name."""

    @property
    def number(self) -> int: ...


Line = TypeVar("Line", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Page:
    """Which page. A cursor is opaque: it holds the number of the last line of the page before."""

    limit: int
    before: int | None

    def cut(self, found: Sequence[Line]) -> tuple[Sequence[Line], str | None]:
        """The lines of this page, of which one more was looked for, and its `next`."""
        shown = found[: self.limit]
        return shown, self.next(shown[-1].number if len(found) > self.limit else None)

    def out(
        self, connection: Connection, lines: Iterable[object], following: int | str | None
    ) -> PageOut[Any]:
        """These lines as REST answers them; `following` as `cut` or a query gives it."""
        next_ = following if isinstance(following, str) else self.next(following)
        return PageOut(items=list(lines), next=next_, as_of=as_of(connection))

    def next(self, following: int | None) -> str | None:
        if following is None:
            return None
        return base64.urlsafe_b64encode(b"before %d" % following).rstrip(b"=").decode()


_Cursor = Annotated[str | None, Query(max_length=64, description="`next` of the page before")]


def _page(limit: Limit = DEFAULT_PAGE, cursor: _Cursor = None) -> Page:
    if cursor is None:
        return Page(limit, None)
    try:
        octets = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    word, _, number = octets.partition(b" ")
    if word != b"before" or not number.isdigit() or len(number) > 18:
        raise Problem(422, "invalid-request", "cursor: give `next` of the page before, unchanged")
    return Page(limit, int(number))


def _page_if_asked(
    limit: Annotated[
        int | None,
        Query(ge=1, le=MAX_PAGE, description="Without it and a cursor: all, on one page"),
    ] = None,
    cursor: _Cursor = None,
) -> Page | None:
    if limit is None and cursor is None:
        return None
    return _page(DEFAULT_PAGE if limit is None else limit, cursor)


Paging = Annotated[Page, Depends(_page)]
PagingIfAsked = Annotated[Page | None, Depends(_page_if_asked)]
"""Of a list that was there before it had pages; None: the whole list is asked for."""
