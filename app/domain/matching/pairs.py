"""The two halves of one event for one partner, and what became of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, get_args

from app.domain.identifiers import REFERENCE_BYTES
from app.domain.kinds import Kind, effect
from app.domain.resolutions import Action, Side

Judged = Literal["matched", "within_tolerance", "amount", "date", "amount_and_date"]
"""What two halves are to each other."""

Status = Literal["open", Judged]
"""The same, and `open` while one is absent. A resolution leaves it."""

BreakType = Literal[
    "amount", "date", "amount_and_date", "missing_at_partner", "missing_at_lead",
    "duplicate_at_lead", "duplicate_at_partner",
]  # fmt: skip
"""What a leg without an equal other half is counted as."""

PairType = Literal["matched", "within_tolerance", BreakType]
"""What a pair or a duplicate leg is counted as; an open pair by the side that misses its half."""

PAIR_TYPES: tuple[PairType, ...] = get_args(PairType)
"""The JSON keys of INTERFACES, in their order."""

SETTLED: frozenset[Status] = frozenset({"matched", "within_tolerance"})
"""The statuses in which the halves agree."""


class Half(NamedTuple):
    """One bank's half as it was posted, and where: posting, word in it, time of its block (seconds
    since 1970 UTC)."""

    amount: int
    value_day: int
    business_day: int
    sequence: int = 0
    word: int = 0
    posted_at: int = 0


new_half: Callable[[tuple[int, int, int, int, int, int]], Half] = partial(tuple.__new__, Half)
"""As Half of all its facts, but at a third of the cost: there is one for each leg."""


@dataclass(slots=True)
class Pair:
    """A pair's facts, each of which is set once (but for a reversal that is voided).

    `target_kind`: of a reversal's target, else 0. `resolved_side`: whose half an adjustment
    corrected, or a write-off of a one-sided leg made.
    """

    kind: int
    target_kind: int = 0
    lead: Half | None = None
    partner: Half | None = None
    lead_reversed: bool = False
    partner_reversed: bool = False
    status: Status = "open"
    action: Action | None = None
    resolved_side: Side | None = None

    @property
    def effects(self) -> tuple[int, int]:
        """The effects of the lead's and of the partner's half as posted; 0 where there is none."""
        target = Kind(self.target_kind) if self.target_kind else None
        sign = effect(Kind(self.kind), target)
        return (
            sign * self.lead.amount if self.lead else 0,
            sign * self.partner.amount if self.partner else 0,
        )


_BYTES = [bytes((value,)) for value in range(256)]


def pair_key(
    kind: int, reference: bytes, target_kind: int = 0, target_reference: bytes = b""
) -> bytes:
    """What tells a pair from all others of its account: for a reversal its target, too."""
    key = _BYTES[kind] + reference
    return key + _BYTES[target_kind] + target_reference if target_reference else key


def split_key(key: bytes) -> tuple[int, bytes, int, bytes]:
    """Kind, reference, target's kind and target's reference, as `pair_key` took them."""
    target = target_key(key)
    return key[0], key[1 : 1 + REFERENCE_BYTES], target[0] if target else 0, target[1:]


def target_key(key: bytes) -> bytes:
    """The key of a reversal's target, by the reversal's own; empty where there is none."""
    return key[1 + REFERENCE_BYTES :]
