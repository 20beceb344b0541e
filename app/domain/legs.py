"""The posting stream: legs packed into the 32-byte words that `Reconciliation.post` takes.

The layout is in docs/architecture.md, "A posting". Days are `date.toordinal()`, amounts minor
units, references 20 bytes (`identifiers.reference`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

MAX_PARTS = 500
"""Most parts in one posting (a shared leg of the lead counts one part for each partner)."""

REVERSAL = 12
DECLARED_DUPLICATE = 0x80

_GROUP = Struct(">BB3s3s24x")
_LEG = Struct(">BB3s7s20s")
_TARGET = Struct(">B11x20s")


class Leg(NamedTuple):
    """One leg as a bank posts it. `target_*` belong to reversals only (0 and empty otherwise)."""

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


@dataclass(frozen=True, slots=True)
class PostedLeg:
    """A leg read back from a posting, with the index of its leg word in the stream."""

    index: int
    leg: Leg


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


def unpack(stream: bytes) -> Iterator[PostedLeg]:
    """Read a posting stream back; the inverse of `pack`."""
    position = 0
    business_day = shares_day = 0
    while position < len(stream):
        kind = stream[position]
        if kind == 0:
            business_day = int.from_bytes(stream[position + 2 : position + 5])
            shares_day = int.from_bytes(stream[position + 5 : position + 8])
            position += 32
            continue
        index = position // 32
        raw_kind, partner, day, amount, ref = _LEG.unpack_from(stream, position)
        position += 32
        target_kind, target_reference = 0, b""
        bare_kind = raw_kind & ~DECLARED_DUPLICATE
        if bare_kind == REVERSAL:
            target_kind, target_reference = _TARGET.unpack_from(stream, position)
            position += 32
        yield PostedLeg(
            index,
            Leg(
                kind=bare_kind,
                partner=partner,
                amount=int.from_bytes(amount),
                value_day=int.from_bytes(day),
                business_day=business_day,
                shares_day=shares_day,
                reference=ref,
                duplicate=raw_kind != bare_kind,
                target_kind=target_kind,
                target_reference=target_reference,
            ),
        )
