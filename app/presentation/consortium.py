"""The consortium: members, proposals, validators, and why banks did what they did."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app.presentation.common import AsOf, Model
from app.readmodel.consortium.shapes import Proposal
from app.readmodel.reasons.queries import GivenReason


class MemberOut(Model):
    """A member of the consortium, whatever became of it."""

    number: int = Field(examples=[2])
    name: str = Field(examples=["huarui"])
    role: str = Field(examples=["partner"], description="lead, partner, auditor or regulator.")
    state: str = Field(examples=["active"], description="active, suspended or evicted.")
    stopped_until: datetime | None = Field(
        description="Until then two banks have stopped its operator and approver keys."
    )
    operator: str | None = Field(examples=["0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"])
    approver: str | None
    recovery: str | None
    sealing_key: str = Field(description="X25519 public key, hex.", examples=["1f" * 32])


class MembersOut(Model):
    items: list[MemberOut]
    as_of: AsOf | None


class VoteOut(Model):
    """A bank's vote."""

    member: str = Field(examples=["webank"])
    in_favour: bool
    at: datetime
    counts: bool = Field(description="Whether the bank is in the electorate now and not stopped.")


class ProposalOut(Model):
    """What a bank asked the others for. The counts are those of now; null once it is decided."""

    number: int = Field(examples=[3])
    kind: str = Field(
        examples=["replace_key"],
        description="admit, suspend, reinstate, evict, change_role, replace_key, "
        "register_validator, remove_validator or upgrade.",
    )
    asked: dict[str, Any] = Field(
        examples=[{"member": "huarui", "purpose": "recovery", "key": "0x2B5A…"}]
    )
    proposer: str = Field(examples=["webank"])
    subject: str | None = Field(description="Has no vote: it is about it.", examples=["huarui"])
    reason_hash: str = Field(
        description="keccak256 of the reason's salt and text.", examples=["0x00…"]
    )
    content_hash: str = Field(description="What a vote on it signs.", examples=["0x00…"])
    state: str = Field(
        examples=["open"],
        description="open, enacted, rejected, withdrawn, expired, waiting (a majority would give a "
        "member another key, and the member can object) or objected.",
    )
    created_at: datetime
    expires_at: datetime
    due_at: datetime | None = Field(
        description="From when a key that waits can be enacted; null for all else."
    )
    decided_at: datetime | None
    votes: list[VoteOut]
    yes: int | None
    no: int | None
    electorate: int | None
    needed: int | None = Field(description="Votes in favour that enact it.", examples=[3])
    not_voted: list[str] = Field(description="Who may still vote.", examples=[["wuxi"]])
    transaction: str


class ProposalsOut(Model):
    """One page, newest first. Give `next` as `cursor` for the following one; null on the last."""

    items: list[ProposalOut]
    next: str | None
    as_of: AsOf | None


class ValidatorOut(Model):
    """A validator node that the members have registered."""

    node: str = Field(examples=["0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"])
    member: str = Field(examples=["huarui"])
    enode: str = Field(examples=["enode://9c…@10.0.0.3:30303"])
    since_block: int


class ValidatorsOut(Model):
    items: list[ValidatorOut]
    as_of: AsOf | None


class ConsortiumOut(Model):
    """All of it, as `tally consortium list --json` prints it."""

    members: list[MemberOut]
    proposals: list[ProposalOut]
    validators: list[ValidatorOut]
    contracts: dict[str, str]
    as_of: AsOf | None


class ReasonOut(Model):
    """Why a bank did something, in its words."""

    reason_hash: str = Field(description="keccak256 of salt and text: what the chain has of it.")
    text: str
    salt: str = Field(description="32 bytes in hex. Whoever has text and salt checks the hash.")
    member: str
    given_at: datetime
    transaction: str


def proposal_out(one: Proposal) -> ProposalOut:
    tally = one.tally
    return ProposalOut.of(
        one,
        yes=tally and tally.yes,
        no=tally and tally.no,
        electorate=tally and tally.electorate,
        needed=tally and tally.needed,
        not_voted=one.missing,
    )


def reason_out(one: GivenReason) -> ReasonOut:
    return ReasonOut.of(one, reason_hash="0x" + one.reason_hash.hex(), salt="0x" + one.salt.hex())
