"""Acts about the consortium: proposals, votes, emergency stops.

An admission, another key, a validator and an upgrade are proposed by command alone: they are lines
that their keys have signed, or addresses, which a person pastes and does not type.
"""

from typing import Annotated, Literal

from pydantic import Field

from app.actions import consortium
from app.actions.consortium import SeenProposal
from app.actions.view import View
from app.contracts.proposals import about, change_role
from app.domain.errors import UsageFault
from app.domain.reasons import checked_reason
from app.prepared_acts.requests.shared import Asking, Hash, Name, ReasonText

_Number = Annotated[int, Field(ge=1, le=2**31 - 1, description="The proposal's number.")]


class ProposeIn(Asking):
    """Ask the other banks for something; it counts as this bank's vote in favour."""

    act: Literal["consortium.propose"]
    kind: Literal["suspend", "reinstate", "evict", "change_role"]
    member: Name
    role: Literal["lead", "partner", "auditor", "regulator"] | None = Field(
        None, description="With change_role alone."
    )
    reason: ReasonText

    def asked(self, view: View) -> consortium.Propose:
        checked_reason(self.reason)
        if (self.role is not None) != (self.kind == "change_role"):
            raise UsageFault("give a role with change_role, and only there")
        number = view.member(self.member)
        content = about(self.kind, number) if self.role is None else change_role(number, self.role)
        return consortium.Propose((content,), self.reason)


class _OfProposal(Asking):
    proposal: _Number
    content_hash: Hash

    def seen(self, view: View) -> SeenProposal:
        found = SeenProposal(self.proposal, bytes.fromhex(self.content_hash[2:]))
        consortium.check_seen(view, found)
        return found


class VoteIn(_OfProposal):
    """Vote on a proposal, once and for good; the vote that makes the majority enacts."""

    act: Literal["consortium.vote"]
    in_favour: bool

    def asked(self, view: View) -> consortium.Vote:
        return consortium.Vote((self.seen(view),), self.in_favour)


class EnactIn(_OfProposal):
    """Enact a proposal whose majority stands already, or a key that is due."""

    act: Literal["consortium.enact"]

    def asked(self, view: View) -> consortium.Enact:
        return consortium.Enact(self.seen(view))


class WithdrawIn(Asking):
    """Take back this bank's own proposal."""

    act: Literal["consortium.withdraw"]
    proposal: _Number

    def asked(self, view: View) -> consortium.Withdraw:
        return consortium.Withdraw(view.proposal(self.proposal).number)


class ObjectIn(_OfProposal):
    """Object to the key that the others would give this bank."""

    act: Literal["consortium.object"]

    def asked(self, view: View) -> consortium.ObjectToKey:
        return consortium.ObjectToKey(self.seen(view))


class StopIn(Asking):
    """Ask that a member be stopped; the second bank that asks stops it."""

    act: Literal["consortium.stop"]
    member: Name
    reason: ReasonText

    def asked(self, view: View) -> consortium.StopMember:
        checked_reason(self.reason)
        return consortium.StopMember(view.member(self.member), self.reason)


class LiftIn(Asking):
    """Ask that a stop end early; the second bank that asks ends it."""

    act: Literal["consortium.lift"]
    member: Name

    def asked(self, view: View) -> consortium.LiftStop:
        return consortium.LiftStop(view.member(self.member))
