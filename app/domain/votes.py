"""How the consortium decides: what can be proposed, and when a majority stands.

Words for the numbers of the registry's contract; what they mean stands in
`contracts/interfaces/IConsortiumRegistry.sol`.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from eth_abi.abi import encode
from eth_hash.auto import keccak

KINDS = {
    1: "admit",
    2: "suspend",
    3: "reinstate",
    4: "evict",
    5: "change_role",
    6: "replace_key",
    7: "register_validator",
    8: "remove_validator",
    9: "upgrade",
}
"""What is asked for, by its number."""
KIND_NUMBERS = {name: number for number, name in KINDS.items()}

SUBJECT_KINDS = frozenset({"suspend", "reinstate", "evict", "replace_key"})
"""The kinds about a member that has no vote on them."""

PURPOSES = {1: "operator", 2: "approver", 3: "recovery", 4: "sealing"}
"""What a key is for, by its number."""
PURPOSE_NUMBERS = {name: number for number, name in PURPOSES.items()}

STATES = {1: "active", 2: "suspended", 3: "evicted"}
"""Where a member stands, by its number."""

ROLES = {1: "lead", 2: "partner", 3: "auditor", 4: "regulator"}
"""Members' roles by their numbers."""
ROLE_NUMBERS = {name: number for number, name in ROLES.items()}

BANK_ROLES = frozenset({"lead", "partner"})
"""The roles that vote."""

PROPOSAL_STATES = (
    "open",
    "enacted",
    "rejected",
    "withdrawn",
    "expired",
    "waiting",
    "objected",
)
"""Waiting: a majority would replace a member's key, and the member can still object."""


def role_name(number: int) -> str:
    """A member's role; `unknown (N)` where this version knows none of that number."""
    return ROLES.get(number, f"unknown ({number})")


def content_hash(kind: int, payload: bytes, reason_hash: bytes) -> bytes:
    """What a vote on a proposal of that kind, payload and reason's hash names."""
    return keccak(encode(["uint8", "bytes", "bytes32"], [kind, payload, reason_hash]))


@dataclass(frozen=True, slots=True)
class Tally:
    """How the votes stand, numbers of banks: votes that count, who may vote, what is needed."""

    yes: int
    no: int
    electorate: int
    needed: int


def tally(
    banks: AbstractSet[int],
    subject: int | None,
    stopped: AbstractSet[int],
    in_favour: AbstractSet[int],
    against: AbstractSet[int],
) -> Tally:
    """Count as the contract does: votes of banks that are in the electorate now.

    `banks`: the active ones; less the subject they are the electorate. Votes of `stopped` banks
    wait, though they stay in the electorate.
    """
    electorate = banks - {subject}
    counting = electorate - stopped
    return Tally(
        yes=len(in_favour & counting),
        no=len(against & counting),
        electorate=len(electorate),
        needed=needed(len(banks), len(electorate)),
    )


def needed(banks: int, electorate: int) -> int:
    """How many must be in favour, where `electorate` of the active `banks` have a vote.

    More than two thirds of all banks, or the whole electorate where that is fewer; at least two.
    """
    return max(2, min(2 * banks // 3 + 1, electorate))
