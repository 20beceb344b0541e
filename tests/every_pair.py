"""All pairs and duplicate legs of a view, page after page."""

from collections.abc import Iterator

from sqlalchemy import Connection

from app.readmodel.pairs.queries import EVERYTHING, Filter, pairs
from app.readmodel.pairs.shapes import Pair


def every_pair(connection: Connection, where: Filter = EVERYTHING) -> Iterator[Pair]:
    before: int | None = None
    while True:
        page = pairs(connection, where, 5_000, before)
        yield from page.items
        if page.following is None:
            return
        before = page.following
