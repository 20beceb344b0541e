"""A bank in the consortium's council: what its approver key proposes, votes and stops."""

from collections.abc import Sequence

from app.actions.signer import Done, Signer
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import ProposalContent, reason_hash
from app.domain.errors import UsageFault


class Council:
    """Sends to the registry with one of the bank's keys, its approver's as a rule.

    Each call raises ContractReverted, before anything is sent, when the registry refuses.
    """

    def __init__(self, signer: Signer, registry: ConsortiumRegistry) -> None:
        self._send = signer.send
        self._send_all = signer.send_all
        self._registry = registry

    def propose(self, wanted: Sequence[ProposalContent], reason: str) -> list[Done]:
        """Ask for things that do not build on each other; counts as the bank's votes in favour."""
        digest = reason_hash(reason)
        return self._send_all(
            [self._registry.propose(asked.number, asked.payload, digest) for asked in wanted]
        )

    def vote(self, proposals: Sequence[int], in_favour: bool) -> list[Done]:
        """Vote, once and for good; the vote that makes the majority enacts."""
        return self._send_all([self._registry.vote(number, in_favour) for number in proposals])

    def enact(self, proposal: int) -> Done:
        """Enact a proposal whose majority stands because the electorate shrank."""
        return self._send(self._registry.enact(proposal))

    def withdraw(self, proposal: int) -> Done:
        """Take back the bank's own proposal."""
        return self._send(self._registry.withdraw(proposal))

    def stop(self, member: int, reason: str) -> Done:
        """Ask that a member be stopped; the second bank that asks stops it."""
        return self._send(self._registry.emergency_stop(member, reason_hash(reason)))

    def lift(self, member: int) -> Done:
        """Ask that a stop end early; the second bank that asks ends it."""
        return self._send(self._registry.emergency_lift(member))

    def rotate(self, purpose: int, key: bytes) -> Done:
        """Replace a key of the bank's own."""
        return self._send(self._registry.rotate_key(purpose, key))


def member_number(registry: ConsortiumRegistry, given: str) -> int:
    """A member given by name or number. Raises UsageFault for one that nobody knows."""
    number = registry.member_named(given)
    if number == 0 and given.isdecimal():
        number = int(given) if int(given) <= registry.member_count() else 0
    if number == 0:
        raise UsageFault(
            f"the consortium has no member {given!r}",
            remedy="`tally consortium list` shows the members",
        )
    return number
