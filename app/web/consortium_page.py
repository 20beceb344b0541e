"""The consortium: its members, what they have asked each other for, and who seals its blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.locale import _
from app.readmodel.consortium.queries import (
    list_members,
    list_validators,
    log_lines,
    page_of_proposals,
)
from app.readmodel.consortium.shapes import ConsortiumMember, LogLine, Proposal, ValidatorNode

_PROPOSALS = 50
_LOG_LINES = 50

_MEMBER_TONES = {"active": "good", "suspended": "warn", "evicted": "bad"}
_PROPOSAL_TONES = {"open": "pending", "enacted": "good", "rejected": "bad"}


@dataclass(frozen=True, slots=True)
class ConsortiumPage:
    headline: str
    members: Sequence[ConsortiumMember]
    proposals: Sequence[Proposal]
    validators: Sequence[ValidatorNode]
    log: Sequence[LogLine]
    member_tones: Mapping[str, str]
    """By state, as the others."""
    proposal_tones: Mapping[str, str]


def consortium_page(connection: Connection) -> ConsortiumPage:
    """All members; the newest proposals and entries of the log."""
    members = list_members(connection)
    return ConsortiumPage(
        headline=_(
            "%(members)s active members, %(banks)s of them banks that vote",
            members=sum(one.state == "active" for one in members),
            banks=sum(one.votes for one in members),
        ),
        members=members,
        proposals=page_of_proposals(connection, None, _PROPOSALS, None).items,
        validators=list_validators(connection),
        log=log_lines(connection, _LOG_LINES),
        member_tones=_MEMBER_TONES,
        proposal_tones=_PROPOSAL_TONES,
    )
