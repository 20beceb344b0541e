"""A day's statement of a reserve account, as a bank works it out and as two banks sign it."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sums:
    """The three books of an account, minor units signed by effect."""

    lead: int
    partner: int
    agreed: int

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.lead + other.lead, self.partner + other.partner, self.agreed + other.agreed
        )


@dataclass(frozen=True, slots=True)
class OpenItems:
    """What is open at a block. `names`: the keys of the pairs with open legs, ascending."""

    lead: int
    partner: int
    accepted_difference: int
    legs: int
    names: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Closes `day` (ordinal) and all days before it that are open: opening + movement = closing."""

    facility: int
    partner: int
    day: int
    opening: Sums
    movement: Sums
    closing: Sums
    open: OpenItems


def differences(own: Statement, other: Statement) -> Iterator[tuple[str, int, int]]:
    """Where another bank's sums are not what this bank's own legs come to: (what, own, other)."""
    for row in ("opening", "movement", "closing"):
        ours, theirs = getattr(own, row), getattr(other, row)
        for book in ("lead", "partner", "agreed"):
            if getattr(ours, book) != getattr(theirs, book):
                yield f"{row}, {_BOOKS[book]}", getattr(ours, book), getattr(theirs, book)


def open_differences(own: OpenItems, other: OpenItems) -> Iterator[tuple[str, int, int]]:
    """The same for what is open; to be asked only where both are of the same moment."""
    for name, word in _OPEN.items():
        if getattr(own, name) != getattr(other, name):
            yield word, getattr(own, name), getattr(other, name)
    missing, more = set(own.names) - set(other.names), set(other.names) - set(own.names)
    if missing or more:
        yield "pairs carried forward that only one side names", len(missing), len(more)


_BOOKS = {"lead": "lead book", "partner": "partner book", "agreed": "agreed"}
_OPEN = {
    "lead": "open lead legs",
    "partner": "open partner legs",
    "accepted_difference": "accepted differences",
    "legs": "count of open legs",
}
