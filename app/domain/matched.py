"""A pair whose second half came, as the one who follows this bank's own events needs it."""

from typing import NamedTuple


class MatchedPair(NamedTuple):
    """`sequence` and `word` tell which leg of this bank's own postings is its half."""

    facility: int
    partner: int
    kind: int
    reference: bytes
    status: str
    """matched or within_tolerance"""
    sequence: int
    word: int
