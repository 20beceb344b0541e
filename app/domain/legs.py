"""The posting stream: legs packed into the 32-byte words that `Reconciliation.post` takes.

The layout is in docs/wire-format.md, "A posting". Days are `date.toordinal()`, amounts minor
units, references 20 bytes (`identifiers.reference`).
"""

from collections.abc import Callable, Iterator
from functools import partial
from struct import Struct
from typing import Any, NamedTuple

MAX_PARTS = 500
"""Most parts in one posting (a shared leg of the lead counts one part for each partner)."""

REVERSAL = 12
DECLARED_DUPLICATE = 0x80

_GROUP = Struct(">BB3s3s24x")
_LEG = Struct(">BB3s7s20s")
_TARGET = Struct(">B11x20s")
# Any word read as its first eight bytes, the next four, and the reference.
_WORDS = Struct(">QI20s")
_DAY = 0xFFFFFF


class Leg(NamedTuple):
    """One leg as a bank posts it. `target_*` belong to reversals only (0 and empty otherwise);
    `word` is the place of its word in the stream that it was read from."""

    kind: int
    partner: int
    amount: int
    value_day: int
    business_day: int
    shares_day: int
    reference: bytes
    duplicate: bool = False
    target_kind: int = 0
    target_reference: bytes = b""
    word: int = 0


# As Leg of all its fields, but at a third of the cost.
_new_leg: Callable[[tuple[Any, ...]], Leg] = partial(tuple.__new__, Leg)


def pack(legs: list[Leg]) -> tuple[bytes, list[int]]:
    """Pack legs in the order given; return the stream and each leg's word index.

    A group word is written whenever the business or shares day changes, so sort by both to save
    words.
    """
    words: list[bytes] = []
    indexes: list[int] = []
    group: tuple[int, int] | None = None
    for leg in legs:
        if group != (leg.business_day, leg.shares_day):
            group = (leg.business_day, leg.shares_day)
            words.append(
                _GROUP.pack(0, 0, leg.business_day.to_bytes(3), leg.shares_day.to_bytes(3))
            )
        indexes.append(len(words))
        kind = leg.kind | DECLARED_DUPLICATE if leg.duplicate else leg.kind
        words.append(
            _LEG.pack(
                kind,
                leg.partner,
                leg.value_day.to_bytes(3),
                leg.amount.to_bytes(7),
                leg.reference,
            )
        )
        if leg.kind == REVERSAL:
            words.append(_TARGET.pack(leg.target_kind, leg.target_reference))
    return b"".join(words), indexes


def unpack(stream: bytes) -> Iterator[Leg]:
    """Read a posting stream back; the inverse of `pack`.

    Raises ValueError for a stream that no contract takes: it ends within a word or before a
    reversal's target.
    """
    if len(stream) % _WORDS.size:
        raise ValueError("the stream ends within a word")
    business_day = shares_day = 0
    words = enumerate(_WORDS.iter_unpack(stream))
    for index, (high, low, reference) in words:
        kind = high >> 56
        if kind == 0:
            business_day, shares_day = high >> 24 & _DAY, high & _DAY
            continue
        target_kind, target_reference = 0, b""
        bare_kind = kind & ~DECLARED_DUPLICATE
        if bare_kind == REVERSAL:
            _, (target_high, _, target_reference) = next(words, (0, (0, 0, b"")))
            if not target_reference:
                raise ValueError("the stream ends before a reversal's target")
            target_kind = target_high >> 56
        yield _new_leg(
            (
                bare_kind,
                high >> 48 & 0xFF,
                (high & _DAY) << 32 | low,
                high >> 24 & _DAY,
                business_day,
                shares_day,
                reference,
                kind != bare_kind,
                target_kind,
                target_reference,
                index,
            )
        )
