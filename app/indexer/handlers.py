"""Which event of the contracts (postings apart) changes the read model how."""

from collections.abc import Callable, Mapping

from app.chain.contract_events import ContractEvent
from app.indexer import facilities, governance, membership
from app.indexer.changes import Projection

HANDLERS: Mapping[str, Callable[[Projection, ContractEvent], None]] = {
    "MemberAdmitted": membership.member_admitted,
    "MemberStateChanged": membership.member_state_changed,
    "MemberRoleChanged": membership.member_role_changed,
    "MemberKeyReplaced": membership.member_key_replaced,
    "EmergencyRaised": membership.emergency_raised,
    "EmergencyStopped": membership.emergency_stopped,
    "EmergencyLiftRaised": membership.emergency_raised,
    "EmergencyLifted": membership.emergency_lifted,
    "ProposalMade": governance.proposal_made,
    "VoteCast": governance.vote_cast,
    "ProposalEnacted": governance.proposal_enacted,
    "ProposalRejected": governance.proposal_rejected,
    "ProposalWithdrawn": governance.proposal_withdrawn,
    "ValidatorRegistered": governance.validator_registered,
    "ValidatorRemoved": governance.validator_removed,
    "ContractUpgraded": governance.contract_upgraded,
    "FacilityProposed": facilities.facility_proposed,
    "FacilityAccepted": facilities.facility_accepted,
    "FacilityActivated": facilities.facility_activated,
}
"""By the event's name. What is not here is not asked for."""
