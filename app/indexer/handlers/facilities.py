"""Facilities, from their proposal to their activation."""

from typing import Any

from eth_hash.auto import keccak
from sqlalchemy import Executable, insert, update

from app.contracts.events import ContractEvent
from app.contracts.facility_registry import SPLITS
from app.domain.facility import EARLIEST_DAY
from app.domain.matching.judgement import RulesVersion
from app.indexer.errors import Incomplete
from app.indexer.projection import Projection
from app.indexer.state import Account, FacilityState
from app.readmodel import tables as t

FIRST_VERSION = 1


def facility_proposed(projection: Projection, event: ContractEvent) -> None:
    """The lead proposed a facility: its terms, and the first version of shares and rules."""
    number, terms = event.arguments["facility"], event.arguments["terms"]
    state = projection.state
    partners = {one["member"]: place for place, one in enumerate(terms["partners"], 1)}
    sealed = {
        **{reader["member"]: reader["sealedReferenceKey"] for reader in terms["readers"]},
        **{one["member"]: one["sealedReferenceKey"] for one in terms["partners"]},
        terms["lead"]: terms["leadSealedReferenceKey"],
    }.get(state.view.member)
    facility = FacilityState(
        number, terms["lead"], partners, None if sealed is None else projection.open_key(sealed)
    )
    facility.see(state.view)
    state.facilities[number] = facility
    for partner in facility.visible:
        account = state.accounts[number, partner] = Account(number, partner)
        projection.changes.add_account(account)
    projection.statements += _statements(
        number, terms, sealed, keccak(event.data), event.block_number
    )
    add_shares(projection, facility, FIRST_VERSION, 0, [one["shares"] for one in terms["partners"]])
    add_rules(projection, facility, FIRST_VERSION, terms["rules"])


def facility_accepted(projection: Projection, event: ContractEvent) -> None:
    """A partner accepted the terms."""
    c = t.facility_partners.c
    projection.statements.append(
        update(t.facility_partners)
        .where(c.facility == event.arguments["facility"], c.member == event.arguments["member"])
        .values(accepted=True)
    )


def facility_activated(projection: Projection, event: ContractEvent) -> None:
    """All partners have accepted: legs are taken from now on."""
    set_state(projection, event, "active", activated_block=event.block_number)


def facility_withdrawn(projection: Projection, event: ContractEvent) -> None:
    """Its lead withdrew a facility that was only proposed, or a partner declined it."""
    set_state(projection, event, "withdrawn")


def facility_of(projection: Projection, event: ContractEvent) -> FacilityState:
    """The facility that an event is about. Raises Incomplete where none was proposed."""
    number = event.arguments["facility"]
    facility = projection.state.facilities.get(number)
    if facility is None:
        raise Incomplete(f"no event has proposed facility {number}")
    return facility


def set_state(projection: Projection, event: ContractEvent, state: str, **values: int) -> None:
    """The facility that an event is about stands elsewhere now."""
    facility = facility_of(projection, event)
    facility.state = state
    projection.statements.append(
        update(t.facilities)
        .where(t.facilities.c.number == facility.number)
        .values(state=state, **values)
    )


def add_shares(
    projection: Projection,
    facility: FacilityState,
    version: int,
    first_day: int,
    shares: list[dict[str, int]],
) -> None:
    """A version of the shares, as the event has those of each partner, in their order."""
    bps = [
        (place, one["principalBps"], one["interestBps"], one["feeBps"])
        for place, one in enumerate(shares, 1)
    ]
    facility.add_shares(version, first_day, bps)
    names = [one.name for one in t.share_versions.columns]
    rows = [
        dict(zip(names, (facility.number, version, place, first_day, *parts), strict=True))
        for place, *parts in bps
    ]
    projection.statements.append(insert(t.share_versions).values(rows))


def add_rules(
    projection: Projection, facility: FacilityState, version: int, rules: dict[str, int]
) -> None:
    """A version of the rules, as the event has them."""
    row = {
        "effective_from": rules["effectiveFrom"],
        "amount_tolerance": rules["amountTolerance"],
        "date_window_days": rules["dateWindowDays"],
        "match_deadline_seconds": rules["matchDeadlineSeconds"],
    }
    facility.rules.append(RulesVersion(version, *row.values()))
    projection.statements.append(
        insert(t.rule_versions).values(
            facility=facility.number,
            version=version,
            **row,
            cut_off_seconds=rules["cutOffSeconds"],
        )
    )


def _statements(
    number: int, terms: dict[str, Any], sealed: bytes | None, terms_hash: bytes, block: int
) -> list[Executable]:
    return [
        insert(t.facilities).values(
            number=number,
            id=terms["id"],
            lead=terms["lead"],
            currency=terms["currency"],
            decimals=terms["decimals"],
            time_zone=terms["timeZone"],
            least_lead_bps=terms["bounds"]["leastLeadBps"],
            largest_partner_bps=terms["bounds"]["largestPartnerBps"],
            split=SPLITS[terms["split"]],
            first_day=max(terms["firstDay"], EARLIEST_DAY),
            state="proposed",
            proposed_block=block,
            activated_block=None,
            sealed_reference_key=sealed,
            terms_hash=terms_hash,
        ),
        insert(t.facility_partners).values(
            [
                {
                    "facility": number,
                    "partner": place,
                    "member": one["member"],
                    "low_balance": one["lowBalance"],
                    "accepted": False,
                }
                for place, one in enumerate(terms["partners"], 1)
            ]
        ),
        *(
            insert(t.facility_observers).values(facility=number, member=member)
            for member in dict.fromkeys(one["member"] for one in terms["readers"])
        ),
    ]
