"""How the two banks of a break resolve it: what they can agree on."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What is done about a break; `number` is its number on the chain."""

    ADJUST = "adjust"
    WRITE_OFF = "write_off"
    FORCE = "force"
    VOID = "void"

    @property
    def number(self) -> int:
        """1 adjust, 2 write off, 3 force, 4 void."""
        return list(Action).index(self) + 1


class Side(StrEnum):
    """Whose book an adjustment moves; `number` is its number on the chain."""

    LEAD = "lead"
    PARTNER = "partner"

    @property
    def number(self) -> int:
        """1 the lead's, 2 the partner's."""
        return list(Side).index(self) + 1


_HALF = (1 << 80) - 1
_AMOUNT_BITS = 56
_LEAD_SHIFT, _PARTNER_SHIFT = 176, 96
_ACTION_BITS = 0x7 << 8

ACTIONS = {action.number: action for action in Action}
SIDES = {side.number: side for side in Side}


def halves(pair: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """The lead's and the partner's half of a pair as it stands by itself: (value day, amount), 0
    where absent."""
    word = int.from_bytes(pair)
    lead, partner = (word >> shift & _HALF for shift in (_LEAD_SHIFT, _PARTNER_SHIFT))
    amount = (1 << _AMOUNT_BITS) - 1
    return (lead >> _AMOUNT_BITS, lead & amount), (partner >> _AMOUNT_BITS, partner & amount)


def is_resolved(pair: bytes) -> bool:
    """Whether a pair, as it stands by itself, is resolved already."""
    return bool(int.from_bytes(pair) & _ACTION_BITS)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A resolution, word for word as one bank proposes it and the other accepts it.

    `kind`, `ref` and for a reversal the target's name the pair; `side` belongs to an adjustment;
    `business_day` (ordinal) is the day on which books move; `state` the pair exactly as the
    proposer saw it (`Reconciliation.stateOf`); `reason_hash`: `domain.reasons`.
    """

    facility: int
    partner: int
    kind: int
    ref: bytes
    target_kind: int
    target_ref: bytes
    action: Action
    side: Side | None
    business_day: int
    state: bytes
    reason_hash: bytes
