"""What a bank proposes to the consortium, how it votes, and the emergency stops.

`view` is None for those alone who hold all keys in one folder, with the chain's nodes beside them
(`deploy.votes`): they act before any node has read a block.
"""

from dataclasses import dataclass

from app.actions.act import act
from app.actions.reasons import readers_of_consortium
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import ProposalContent
from app.domain.errors import UsageFault
from app.domain.reasons import checked_reason


@dataclass(frozen=True, slots=True)
class Propose:
    """Ask for things that do not build on each other; counts as the bank's votes in favour."""

    contents: tuple[ProposalContent, ...]
    reason: str

    @property
    def subject(self) -> str:
        return ", ".join(one.kind for one in self.contents)


@dataclass(frozen=True, slots=True)
class SeenProposal:
    """A proposal as it was shown: its number, and the hash of what it asks for."""

    number: int
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class Vote:
    """Vote, once and for good; the vote that makes the majority enacts."""

    proposals: tuple[SeenProposal, ...]
    in_favour: bool

    @property
    def subject(self) -> str:
        choice = "for" if self.in_favour else "against"
        return f"{choice} proposal {', '.join(str(one.number) for one in self.proposals)}"


@dataclass(frozen=True, slots=True)
class Enact:
    """Enact a proposal whose majority stands because the electorate shrank, or a replacement of a
    key that is due."""

    proposal: SeenProposal

    @property
    def subject(self) -> str:
        return f"proposal {self.proposal.number}"


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take back the bank's own proposal."""

    proposal: int

    @property
    def subject(self) -> str:
        return f"proposal {self.proposal}"


@dataclass(frozen=True, slots=True)
class ObjectToKey:
    """Object to the key that the others would give this bank; its approver or recovery key does."""

    proposal: SeenProposal

    @property
    def subject(self) -> str:
        return f"proposal {self.proposal.number}"


@dataclass(frozen=True, slots=True)
class StopMember:
    """Ask that a member be stopped; the second bank that asks stops it."""

    member: int
    reason: str

    @property
    def subject(self) -> str:
        return f"member {self.member}"


@dataclass(frozen=True, slots=True)
class LiftStop:
    """Ask that a stop end early; the second bank that asks ends it."""

    member: int

    @property
    def subject(self) -> str:
        return f"member {self.member}"


@act("consortium.propose")
def propose(
    asked: Propose, view: View | None, contract: ConsortiumRegistry, signer: Signer
) -> Done:
    """One transaction for each content."""
    why = checked_reason(asked.reason)
    calls = [contract.propose(one.number, one.payload, why.hash) for one in asked.contents]
    return signer.send_with_reason(*calls, reason=why, may_read=_may_read(view))


@act("consortium.vote")
def vote(asked: Vote, view: View | None, contract: ConsortiumRegistry, signer: Signer) -> Done:
    """One transaction for each proposal. Refused where this bank's node has read another content
    under the number."""
    for one in asked.proposals:
        check_seen(view, one)
    return signer.send(
        *[contract.vote(one.number, one.content_hash, asked.in_favour) for one in asked.proposals]
    )


@act("consortium.enact")
def enact(asked: Enact, view: View | None, contract: ConsortiumRegistry, signer: Signer) -> Done:
    """Refused as a vote is."""
    check_seen(view, asked.proposal)
    return signer.send(contract.enact(asked.proposal.number, asked.proposal.content_hash))


@act("consortium.withdraw")
def withdraw(
    asked: Withdraw, view: View | None, contract: ConsortiumRegistry, signer: Signer
) -> Done:
    return signer.send(contract.withdraw(asked.proposal))


@act("consortium.object")
def object_to_key(
    asked: ObjectToKey, view: View | None, contract: ConsortiumRegistry, signer: Signer
) -> Done:
    """Refused as a vote is."""
    check_seen(view, asked.proposal)
    seen = asked.proposal
    return signer.send(contract.object_to_key(seen.number, seen.content_hash))


@act("consortium.stop")
def stop(
    asked: StopMember, view: View | None, contract: ConsortiumRegistry, signer: Signer
) -> Done:
    why = checked_reason(asked.reason)
    call = contract.emergency_stop(asked.member, why.hash)
    return signer.send_with_reason(call, reason=why, may_read=_may_read(view))


@act("consortium.lift")
def lift(asked: LiftStop, view: View | None, contract: ConsortiumRegistry, signer: Signer) -> Done:
    return signer.send(contract.emergency_lift(asked.member))


def check_seen(view: View | None, seen: SeenProposal) -> None:
    """Raises UsageFault unless this bank's node has read the proposal with this content."""
    if view is None:
        return
    known = view.proposal(seen.number)
    if known.content_hash != "0x" + seen.content_hash.hex():
        raise UsageFault(
            f"proposal {seen.number} asks for something else than what was shown",
            remedy=f"Look at it again with `tally consortium show {seen.number}`",
        )


def _may_read(view: View | None) -> dict[int, bytes] | None:
    return None if view is None else readers_of_consortium(view)
