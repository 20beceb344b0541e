"""The consortium: its members, what they have asked each other for, and who seals its blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.locale import _
from app.readmodel.consortium.queries import (
    list_members,
    list_validators,
    log_lines,
    page_of_proposals,
)
from app.readmodel.consortium.shapes import ConsortiumMember, LogLine, Proposal, ValidatorNode
from app.web.text import iso, words

_PROPOSALS = 50
_LOG_LINES = 50

_MEMBER_TONES = {"active": "good", "suspended": "warn", "evicted": "bad"}
_PROPOSAL_TONES = {"open": "pending", "enacted": "good", "rejected": "bad"}


@dataclass(frozen=True, slots=True)
class MemberRow:
    name: str
    role: str
    state: str
    tone: str
    stopped: str
    """Until when two banks have stopped it; empty where they have not."""
    operator: str
    approver: str
    nodes: int


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """`asked` is what would be done, field by field; `votes` who is for it and who against."""

    number: int
    kind: str
    state: str
    tone: str
    proposer: str
    asked: Sequence[tuple[str, str]]
    votes: str
    missing: str
    expires_at: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class LogRow:
    at: str
    what: str
    member: str
    by: str
    transaction: str


@dataclass(frozen=True, slots=True)
class ConsortiumPage:
    headline: str
    members: Sequence[MemberRow]
    proposals: Sequence[ProposalRow]
    validators: Sequence[ValidatorNode]
    log: Sequence[LogRow]


def consortium_page(connection: Connection) -> ConsortiumPage:
    """All members; the newest proposals and entries of the log."""
    members, validators = list_members(connection), list_validators(connection)
    proposals = page_of_proposals(connection, None, _PROPOSALS, None).items
    active = sum(one.state == "active" for one in members)
    voting = sum(one.votes for one in members)
    return ConsortiumPage(
        headline=_(
            "%(members)s active members, %(banks)s of them banks that vote",
            members=active,
            banks=voting,
        ),
        members=[_member(one, validators) for one in members],
        proposals=[_proposal(one) for one in proposals],
        validators=validators,
        log=[_logged(one) for one in log_lines(connection, _LOG_LINES)],
    )


def _member(one: ConsortiumMember, validators: Sequence[ValidatorNode]) -> MemberRow:
    return MemberRow(
        name=one.name,
        role=one.role,
        state=one.state,
        tone=_MEMBER_TONES.get(one.state, ""),
        stopped="" if one.stopped_until is None else iso(one.stopped_until),
        operator=one.operator or "",
        approver=one.approver or "",
        nodes=sum(node.member == one.name for node in validators),
    )


def _proposal(one: Proposal) -> ProposalRow:
    cast = [
        _("%(bank)s for", bank=vote.member)
        if vote.in_favour
        else _("%(bank)s against", bank=vote.member)
        for vote in one.votes
    ]
    return ProposalRow(
        number=one.number,
        kind=one.kind.replace("_", " "),
        state=one.state,
        tone=_PROPOSAL_TONES.get(one.state, ""),
        proposer=one.proposer,
        asked=[(name.replace("_", " "), _text(value)) for name, value in one.asked.items()],
        votes=", ".join(cast),
        missing=", ".join(one.missing),
        expires_at=iso(one.expires_at),
        content_hash=one.content_hash,
    )


def _text(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _logged(one: LogLine) -> LogRow:
    return LogRow(
        at=iso(one.at),
        what=words(one.what),
        member=one.member or "",
        by=one.by or "",
        transaction=one.transaction,
    )
