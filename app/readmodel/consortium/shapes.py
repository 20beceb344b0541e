"""The consortium as queries return it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.votes import BANK_ROLES, Tally


@dataclass(frozen=True, slots=True)
class ConsortiumMember:
    """A member. `state`: active, suspended or evicted; `stopped_until`: None unless two banks have
    stopped it and that has not ended by the chain's clock. A key is None where it has none."""

    number: int
    name: str
    role: str
    state: str
    stopped_until: datetime | None
    operator: str | None
    approver: str | None
    recovery: str | None
    sealing_key: str

    @property
    def votes(self) -> bool:
        """Whether it is in the electorate: an active lead or partner, stopped or not."""
        return self.state == "active" and self.role in BANK_ROLES


@dataclass(frozen=True, slots=True)
class VoteCast:
    """How a bank voted, and whether that counts now."""

    member: str
    in_favour: bool
    at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a bank asked for. `asked` by the payload's fields, members by name; `tally` is None once
    it is decided, and `missing` names who may still vote; `state` as domain.votes has it;
    `content_hash` is what a vote names; `due_at`: from when a key that a majority would give to a
    member can be enacted, None for all else."""

    number: int
    kind: str
    asked: dict[str, Any]
    proposer: str
    subject: str | None
    reason_hash: str
    content_hash: str
    created_at: datetime
    expires_at: datetime
    due_at: datetime | None
    state: str
    decided_at: datetime | None
    votes: tuple[VoteCast, ...]
    tally: Tally | None
    missing: tuple[str, ...]
    transaction: str


@dataclass(frozen=True, slots=True)
class ValidatorNode:
    """A validator node of the chain and whose it is."""

    node: str
    member: str
    enode: str
    since_block: int


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a member has or had. `given_by`: admission, vote, or member (it did so itself)."""

    member: str
    purpose: str
    key: str
    given_by: str
    since_block: int
    retired_block: int | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """Something that was done to the consortium."""

    number: int
    what: str
    member: str | None
    by: str | None
    details: dict[str, Any]
    at: datetime
    block: int
    transaction: str
