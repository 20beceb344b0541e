"""Step 4: the first facility, proposed by its lead and accepted by all its partners in one go.

Only where the keys of all its banks lie in one folder; elsewhere each bank's people do their part.
"""

from contextlib import closing

from app.chain.manifest import Manifest
from app.contracts.facility_registry import FacilityRegistry
from app.domain.facility import Facility
from app.local.consortium import Consortium
from deploy.steps.deployment import Deployment

_ACTIVE = 2


class FirstFacility:
    """Bring `facility` into force among members of `consortium`."""

    NAME = "4 facility"

    def __init__(self, consortium: Consortium, facility: Facility) -> None:
        self._consortium = consortium
        self._facility = facility

    def verify(self, deployment: Deployment) -> str:
        manifest = Manifest.read(deployment.folder.manifest)
        registry = FacilityRegistry(deployment.rpc, manifest.addresses["FacilityRegistry"])
        number = registry.facility_number(self._facility.id)
        if number == 0:
            return f"{self._facility.id} is not on the chain"
        if registry.state(number) != _ACTIVE:
            return f"{self._facility.id} is not in force"
        return ""

    def prepare(self, deployment: Deployment) -> None:
        """The lead's node reads the chain, so that it knows the members."""
        with closing(self._consortium.bank(self._facility.lead)) as lead:
            lead.follower.index()

    def enact(self, deployment: Deployment) -> None:
        self._consortium.agree(self._facility)
