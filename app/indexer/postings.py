"""One `post` of a bank, as its events tell of it: its legs, and the contract's exceptions."""

from dataclasses import dataclass, field

from app.domain.matching.pairs import Judged

REASONS = {
    1: "duplicate",
    2: "unknown_kind",
    3: "amount_zero",
    4: "amount_too_large",
    5: "unknown_partner",
    6: "partner_not_allowed",
    7: "date_too_far",
    8: "target_missing",
    9: "target_reversed",
    10: "target_not_reversible",
    11: "target_amount",
    12: "no_parts",
    13: "resolved",
    14: "target_voided",
    15: "too_many_open_legs",
}
"""Why the contract rejected a leg."""

PART = "part_"
"""Before the reason why one partner's part of a leg was skipped; the leg's other parts count."""

DUPLICATE = 1

STATUSES: dict[int, Judged] = {
    2: "within_tolerance",
    3: "amount",
    4: "date",
    5: "amount_and_date",
}
"""How the contract judged a pair whose halves are not equal."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The contract's word on a second half that is not an exact match; no status where this version
    knows none of its number."""

    status: Judged | None
    rules_version: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One `post`. `rejected`: word index to reason (`REASONS`); `skipped`: (word index, partner) to
    reason; `judged`: (word index, partner) to judgement."""

    facility: int
    member: int
    sequence: int
    digest: bytes
    legs: bytes
    block_number: int
    tx_hash: str
    rejected: dict[int, int] = field(default_factory=dict)
    skipped: dict[tuple[int, int], int] = field(default_factory=dict)
    judged: dict[tuple[int, int], Judgement] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return (
            f"posting {self.sequence} of member {self.member} in facility {self.facility} "
            f"(transaction {self.tx_hash})"
        )
