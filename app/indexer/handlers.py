"""Which event of the contracts (postings apart) changes the read model how."""

from collections.abc import Callable, Mapping

from app.chain.contract_events import ContractEvent
from app.indexer import (
    day_closes,
    facilities,
    facility_changes,
    governance,
    membership,
    reserves,
)
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
    "FacilityWithdrawn": facilities.facility_withdrawn,
    "ChangeProposed": facility_changes.change_proposed,
    "ChangeAccepted": facility_changes.change_accepted,
    "ChangeWithdrawn": facility_changes.change_withdrawn,
    "SharesTookEffect": facility_changes.shares_took_effect,
    "RulesTookEffect": facility_changes.rules_took_effect,
    "FacilityClosed": facility_changes.facility_closed,
    "FacilityPaused": facility_changes.facility_paused,
    "FacilityResumed": facility_changes.facility_resumed,
    "HoldPlaced": reserves.hold_placed,
    "HoldReleased": reserves.hold_released,
    "HoldPosted": reserves.hold_posted,
    "BalanceLow": reserves.balance_low,
    "BalanceRestored": reserves.balance_restored,
    "ShortfallBegan": reserves.shortfall_began,
    "ShortfallEnded": reserves.shortfall_ended,
    "DayProposed": day_closes.day_proposed,
    "DayClosed": day_closes.day_closed,
    "DayDisputed": day_closes.day_disputed,
    "DayWithdrawn": day_closes.day_withdrawn,
    "ReopenProposed": day_closes.reopen_proposed,
    "ReopenWithdrawn": day_closes.reopen_withdrawn,
    "DayReopened": day_closes.day_reopened,
}
"""By the event's name. What is not here is not asked for."""
