"""Step 4: a contract's new code. Deployed by anyone; put behind the proxy by the banks' vote.

`enact` deploys the code and writes DIR/upgrade-CONTRACT.json, what is to be proposed and voted on;
then the banks whose keys lie in the folder do so, on a proposal that is open already where there
is one. Done once the proxy stands for the new code.
"""

import json
from pathlib import Path

from app.chain.manifest import Manifest
from app.contracts.consortium_registry import ConsortiumRegistry
from app.contracts.proposals import upgrade
from deploy.steps.deployment import Deployment, implementation_hash
from deploy.votes import Ballot, Say


class Upgrade:
    """Put the compiled code of `contract` behind its proxy."""

    def __init__(self, contract: str, say: Say) -> None:
        self.NAME = f"4 upgrade of {contract}"
        self._contract = contract
        self._say = say

    def verify(self, deployment: Deployment) -> str:
        """Judged by the code itself: a proxy that stands for today's code needs no upgrade."""
        current = deployment.implementation_of(self._proxy(deployment))
        if deployment.code_hash(current) == implementation_hash(self._contract, current):
            return ""
        return f"the proxy of {self._contract} stands for other code, at {current}"

    def prepare(self, deployment: Deployment) -> None:
        """Note where the new code will stand, unless a run before this one deployed it."""
        if not self._deployed(deployment):
            address = deployment.next_addresses(1)[0]
            code_hash = implementation_hash(self._contract, address)
            self._note(deployment, {"address": address, "code_hash": code_hash})

    def enact(self, deployment: Deployment) -> None:
        if not self._deployed(deployment):
            creation = deployment.creation(self._contract)
            deployment.deployer.send(creation)
        made = self._noted(deployment)["address"]
        proxy = self._proxy(deployment)
        asked = upgrade(proxy, made)
        self.proposal(deployment).write_text(
            json.dumps(
                {
                    "contract": self._contract,
                    "proxy": proxy,
                    "implementation": made,
                    "kind": asked.number,
                    "payload": "0x" + asked.payload.hex(),
                },
                indent=2,
            )
            + "\n"
        )
        addresses = Manifest.read(deployment.folder.manifest).addresses
        registry = ConsortiumRegistry(deployment.rpc, addresses["ConsortiumRegistry"])
        ballot = Ballot(deployment.rpc, registry, deployment.folder)
        ballot.carry([asked], f"upgrade of {self._contract}", self._say)

    def proposal(self, deployment: Deployment) -> Path:
        """What the banks vote on."""
        return deployment.folder.root / f"upgrade-{self._contract}.json"

    def _proxy(self, deployment: Deployment) -> str:
        return Manifest.read(deployment.folder.manifest).addresses[self._contract]

    def _noted(self, deployment: Deployment) -> dict[str, str]:
        noted: dict[str, str] = deployment.journal.get("upgrades", {}).get(self._contract, {})
        return noted

    def _note(self, deployment: Deployment, made: dict[str, str]) -> None:
        upgrades = deployment.journal.get("upgrades", {})
        deployment.note(upgrades=upgrades | {self._contract: made})

    def _deployed(self, deployment: Deployment) -> bool:
        """Whether today's code stands where it was noted."""
        noted = self._noted(deployment)
        return (
            bool(noted)
            and noted["code_hash"] == implementation_hash(self._contract, noted["address"])
            and deployment.code_hash(noted["address"]) == noted["code_hash"]
        )
