"""What a member may be, what its keys are for, and the contracts, by their names."""

from typing import Literal, get_args

MemberRole = Literal["lead", "partner", "auditor", "regulator"]
MEMBER_ROLES: tuple[MemberRole, ...] = get_args(MemberRole)

KeyPurpose = Literal["operator", "approver", "recovery", "sealing"]

ContractName = Literal[
    "ConsortiumRegistry", "FacilityRegistry", "ReserveLedger", "Reconciliation", "DayClose"
]
CONTRACTS: tuple[str, ...] = get_args(ContractName)
