"""Step 5: the founding banks' validators in the registry, by the vote of all founding banks.

From then on the registry says whose nodes seal blocks; the chain's validator set follows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.chain.manifest import Manifest
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import register_validator
from deploy.steps.deployment import Deployment
from deploy.votes import Ballot, Say


@dataclass(frozen=True, slots=True)
class FoundingNode:
    """A validator of the first block: the bank that runs it, the address that signs its blocks,
    and where its peers find it."""

    bank: str
    address: str
    peer: str


class FoundingValidators:
    """Register `nodes`, which seal the chain from its first block."""

    NAME = "5 validators"

    def __init__(self, nodes: Sequence[FoundingNode], say: Say) -> None:
        self._nodes = nodes
        self._say = say

    def verify(self, deployment: Deployment) -> str:
        missing = self._missing(self._registry(deployment))
        if missing:
            return f"the registry does not have the validators {', '.join(missing)}"
        return ""

    def prepare(self, deployment: Deployment) -> None:
        """Nothing is decided here: proposals that a run before this one made are found again."""

    def enact(self, deployment: Deployment) -> None:
        registry = self._registry(deployment)
        missing = self._missing(registry)
        asked = [
            register_validator(registry.member_named(node.bank), node.address, node.peer)
            for node in self._nodes
            if node.address in missing
        ]
        ballot = Ballot(deployment.rpc, registry, deployment.folder)
        ballot.carry(asked, "register the founding validators", self._say)

    def _missing(self, registry: ConsortiumRegistry) -> list[str]:
        there = {one.node for one in registry.validators()}
        return [node.address for node in self._nodes if node.address not in there]

    @staticmethod
    def _registry(deployment: Deployment) -> ConsortiumRegistry:
        addresses = Manifest.read(deployment.folder.manifest).addresses
        return ConsortiumRegistry(deployment.rpc, addresses["ConsortiumRegistry"])
