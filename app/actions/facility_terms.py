"""A facility's terms as they go onto the chain, with its reference key for each who may read it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.contracts.facility_registry import SPLITS
from app.domain.errors import ChainFault
from app.domain.facility import Facility
from app.keys.sealing import seal_reference_key

REFERENCE_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Party:
    """A consortium member as the agreement needs it: number and public X25519 sealing key."""

    member: int
    sealing_key: bytes


def new_terms(
    facility: Facility, parties: Mapping[str, Party], observers: list[Party]
) -> dict[str, Any]:
    """A facility's terms as the registry takes them.

    Makes the facility's reference key and seals it to the lead, the partners (`parties`, by name)
    and the `observers` (auditors and regulators).
    """
    key = secrets.token_bytes(REFERENCE_KEY_BYTES)

    def sealed(party: Party) -> bytes:
        box = seal_reference_key(key, party.sealing_key)
        if box is None:
            raise ChainFault(
                f"the sealing key that member {party.member} has registered is no key",
                remedy="That member has to be admitted with a key of its own making",
            )
        return box

    missing = [
        name
        for name in (facility.lead, *(partner.name for partner in facility.partners))
        if name not in parties
    ]
    if missing:
        raise ChainFault(
            f"facility {facility.id}: {', '.join(missing)} is not a member of this consortium"
        )
    lead = parties[facility.lead]
    rules = facility.rules
    cut_off = facility.cut_off
    return {
        "id": facility.id,
        "lead": lead.member,
        "currency": facility.currency,
        "decimals": facility.decimals,
        "timeZone": facility.time_zone,
        "rules": {
            "effectiveFrom": 0,
            "amountTolerance": rules.amount_tolerance,
            "dateWindowDays": rules.date_window_days,
            "matchDeadlineSeconds": rules.match_deadline_hours * 3600,
            "cutOffSeconds": cut_off.hour * 3600 + cut_off.minute * 60 + cut_off.second,
        },
        "bounds": {
            "leastLeadBps": facility.bounds.least_lead_share_bps,
            "largestPartnerBps": facility.bounds.largest_partner_share_bps,
        },
        "partners": [
            {
                "member": parties[partner.name].member,
                "shares": {
                    "principalBps": partner.shares.principal,
                    "interestBps": partner.shares.interest,
                    "feeBps": partner.shares.fee,
                },
                "lowBalance": partner.low_balance,
                "sealedReferenceKey": sealed(parties[partner.name]),
            }
            for partner in facility.partners
        ],
        "leadSealedReferenceKey": sealed(lead),
        "readers": [
            {"member": observer.member, "sealedReferenceKey": sealed(observer)}
            for observer in observers
        ],
        "split": SPLITS.index(facility.split),
        "firstDay": facility.first_day,
    }
