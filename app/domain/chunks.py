"""Many things, so many at a time."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


def chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """The items in their order in lists of `size`, the last one shorter."""
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def parts(
    items: Iterable[_Item], weigh: Callable[[_Item], int], most: int, most_items: int | None = None
) -> Iterator[list[_Item]]:
    """The items in order, in lists that weigh at most `most` together, or hold one item alone."""
    part: list[_Item] = []
    weight = 0
    for one in items:
        is_full = len(part) == most_items
        if part and (is_full or weight + weigh(one) > most):
            yield part
            part, weight = [], 0
        part.append(one)
        weight += weigh(one)
    if part:
        yield part
