"""Versions of terms, each of which holds from its first day on until the next one's."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Version:
    """`effective_from`: its first day; 0 = from the beginning of time."""

    version: int
    effective_from: int


_Version = TypeVar("_Version", bound=Version)


def in_force(versions: Sequence[_Version], day: int) -> _Version:
    """The version that holds on a day, of versions in the order of their first days."""
    return versions[bisect_right(versions, day, key=lambda one: one.effective_from) - 1]
