"""What a bank proposes to the consortium, how it votes, and the emergency stops."""

from dataclasses import dataclass

from app.actions.act import act
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import ProposalContent
from app.domain.reasons import reason_hash


@dataclass(frozen=True, slots=True)
class Propose:
    """Ask for things that do not build on each other; counts as the bank's votes in favour."""

    contents: tuple[ProposalContent, ...]
    reason: str

    @property
    def subject(self) -> str:
        return ", ".join(one.kind for one in self.contents)


@dataclass(frozen=True, slots=True)
class Vote:
    """Vote, once and for good; the vote that makes the majority enacts."""

    proposals: tuple[int, ...]
    in_favour: bool

    @property
    def subject(self) -> str:
        choice = "for" if self.in_favour else "against"
        return f"{choice} proposal {', '.join(str(one) for one in self.proposals)}"


@dataclass(frozen=True, slots=True)
class _OfProposal:
    proposal: int

    @property
    def subject(self) -> str:
        return f"proposal {self.proposal}"


@dataclass(frozen=True, slots=True)
class Enact(_OfProposal):
    """Enact a proposal whose majority stands because the electorate shrank."""


@dataclass(frozen=True, slots=True)
class Withdraw(_OfProposal):
    """Take back the bank's own proposal."""


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
    why = reason_hash(asked.reason)
    calls = [contract.propose(one.number, one.payload, why) for one in asked.contents]
    return signer.send(*calls)


@act("consortium.vote")
def vote(asked: Vote, view: View | None, contract: ConsortiumRegistry, signer: Signer) -> Done:
    """One transaction for each proposal."""
    return signer.send(*[contract.vote(number, asked.in_favour) for number in asked.proposals])


@act("consortium.enact")
def enact(asked: Enact, view: View | None, contract: ConsortiumRegistry, signer: Signer) -> Done:
    return signer.send(contract.enact(asked.proposal))


@act("consortium.withdraw")
def withdraw(
    asked: Withdraw, view: View | None, contract: ConsortiumRegistry, signer: Signer
) -> Done:
    return signer.send(contract.withdraw(asked.proposal))


@act("consortium.stop")
def stop(
    asked: StopMember, view: View | None, contract: ConsortiumRegistry, signer: Signer
) -> Done:
    return signer.send(contract.emergency_stop(asked.member, reason_hash(asked.reason)))


@act("consortium.lift")
def lift(asked: LiftStop, view: View | None, contract: ConsortiumRegistry, signer: Signer) -> Done:
    return signer.send(contract.emergency_lift(asked.member))
