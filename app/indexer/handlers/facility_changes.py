"""What becomes of active facilities: changes, new versions of shares and rules, pauses, the end."""

import json
from typing import Any

from sqlalchemy import insert, update

from app.contracts.events import ContractEvent
from app.contracts.facility_changes import KINDS, change_hash, content_of
from app.indexer.handlers.facilities import add_rules, add_shares, facility_of, set_state
from app.indexer.projection import Projection
from app.readmodel import tables as t


def change_proposed(projection: Projection, event: ContractEvent) -> None:
    """A party proposed a change, and thereby accepted it."""
    arguments = event.arguments
    facility_of(projection, event).changes += 1
    try:
        content = content_of(arguments["kind"], arguments["payload"])
    except ValueError as fault:
        content = {"unreadable": arguments["payload"].hex()}
        projection.changes.unreadable.append(projection.incident(event, fault))
    time = projection.time(event.block_number)
    projection.statements += [
        insert(t.facility_changes).values(
            facility=arguments["facility"],
            change=arguments["change"],
            kind=KINDS[arguments["kind"]],
            proposer=arguments["member"],
            proposed_time=time,
            expires_at=arguments["expiresAt"],
            reason_hash=arguments["reasonHash"],
            hash=change_hash(arguments["kind"], arguments["payload"], arguments["reasonHash"]),
            content=json.dumps(content),
            state="open",
            decided_time=None,
            version=None,
        )
    ]
    change_accepted(projection, event)


def change_accepted(projection: Projection, event: ContractEvent) -> None:
    """A party accepted a change."""
    arguments = event.arguments
    projection.statements.append(
        insert(t.facility_acceptances).values(
            facility=arguments["facility"],
            change=arguments["change"],
            member=arguments["member"],
            accepted_time=projection.time(event.block_number),
        )
    )


def change_withdrawn(projection: Projection, event: ContractEvent) -> None:
    """Its proposer took a change back."""
    _decide(projection, event, "withdrawn")


def shares_took_effect(projection: Projection, event: ContractEvent) -> None:
    """A version of the shares was agreed. No leg carries its first day yet, so nothing that was
    split before changes."""
    arguments = event.arguments
    facility = facility_of(projection, event)
    version, first_day = arguments["version"], arguments["effectiveFrom"]
    add_shares(projection, facility, version, first_day, arguments["shares"])
    _decide(projection, event, "in_force", version=arguments["version"])


def rules_took_effect(projection: Projection, event: ContractEvent) -> None:
    """A version of the rules was agreed; as for shares, nothing that was judged changes."""
    arguments = event.arguments
    facility = facility_of(projection, event)
    add_rules(projection, facility, arguments["version"], arguments["rules"])
    _decide(projection, event, "in_force", version=arguments["version"])


def facility_closed(projection: Projection, event: ContractEvent) -> None:
    """All parties have closed the facility."""
    set_state(projection, event, "closed")
    _decide(projection, event, "in_force")


def facility_paused(projection: Projection, event: ContractEvent) -> None:
    """A party stopped the posting."""
    arguments = event.arguments
    facility = facility_of(projection, event)
    facility.pauses += 1
    facility.paused_by.add(arguments["member"])
    projection.statements.append(
        insert(t.facility_pauses).values(
            facility=facility.number,
            number=facility.pauses,
            member=arguments["member"],
            reason_hash=arguments["reasonHash"],
            paused_time=projection.time(event.block_number),
            resumed_time=None,
            resumed_by=None,
        )
    )
    set_state(projection, event, "paused")


def facility_resumed(projection: Projection, event: ContractEvent) -> None:
    """A party's pause was lifted; posting goes on with the last one."""
    arguments = event.arguments
    facility = facility_of(projection, event)
    facility.paused_by.discard(arguments["member"])
    c = t.facility_pauses.c
    projection.statements.append(
        update(t.facility_pauses)
        .where(
            c.facility == facility.number,
            c.member == arguments["member"],
            c.resumed_time.is_(None),
        )
        .values(resumed_time=projection.time(event.block_number), resumed_by=arguments["by"])
    )
    if not facility.paused_by:
        set_state(projection, event, "active")


def _decide(projection: Projection, event: ContractEvent, state: str, **values: Any) -> None:
    c = t.facility_changes.c
    projection.statements.append(
        update(t.facility_changes)
        .where(c.facility == event.arguments["facility"], c.change == event.arguments["change"])
        .values(state=state, decided_time=projection.time(event.block_number), **values)
    )
