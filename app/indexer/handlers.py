"""Which event of the contracts (postings apart) changes the read model how."""

from collections.abc import Callable, Mapping

from app.chain.contract_events import ContractEvent
from app.indexer import facilities, membership
from app.indexer.changes import Projection

HANDLERS: Mapping[str, Callable[[Projection, ContractEvent], None]] = {
    "MemberAdmitted": membership.member_admitted,
    "FacilityProposed": facilities.facility_proposed,
    "FacilityAccepted": facilities.facility_accepted,
    "FacilityActivated": facilities.facility_activated,
}
"""By the event's name. What is not here is not asked for."""
