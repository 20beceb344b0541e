"""Grants of sealed details, and heads of audit trails, from the events of DayClose."""

from sqlalchemy import delete, insert, update

from app.contracts.events import ContractEvent
from app.indexer.projection import OpenedGrant, Projection
from app.keys.sealing import open_batch_keys
from app.readmodel.disclosures.tables import audit_anchors, detail_grants, granted_names


def details_granted(projection: Projection, event: ContractEvent) -> None:
    """A bank opened details of its own batches; where it did so to this node's member, the keys
    are used for those that were posted before."""
    arguments = event.arguments
    number, facility, member = arguments["grant"], arguments["facility"], arguments["member"]
    first, last = arguments["fromDay"], arguments["toDay"]
    projection.statements.append(
        insert(detail_grants).values(
            number=number,
            facility=facility,
            member=member,
            reader=arguments["reader"],
            from_day=first,
            to_day=last,
            granted_at=projection.time(event.block_number),
            tx_hash=bytes.fromhex(event.tx_hash[2:]),
        )
    )
    state = projection.state
    if arguments["reader"] != state.view.member:
        return
    posted, _ = state.heads.get((facility, member), (0, b""))
    keys = open_batch_keys(arguments["sealedKeys"], state.view.sealing_keys)
    projection.grants[number] = OpenedGrant(
        facility,
        member,
        first,
        last,
        state.facilities[facility].reference_key,
        {sequence: key for sequence, key in keys.items() if sequence <= posted},
    )


def grant_revoked(projection: Projection, event: ContractEvent) -> None:
    """A grant is used no more: what it opened here is forgotten."""
    number = event.arguments["grant"]
    projection.grants.pop(number, None)
    projection.statements += [
        update(detail_grants)
        .where(detail_grants.c.number == number)
        .values(
            revoked_by=event.arguments["member"], revoked_at=projection.time(event.block_number)
        ),
        delete(granted_names).where(granted_names.c.grant == number),
    ]


def audit_head_anchored(projection: Projection, event: ContractEvent) -> None:
    """A member anchored the head of its audit trail."""
    projection.statements.append(
        insert(audit_anchors).values(
            member=event.arguments["member"],
            rows=event.arguments["rows"],
            head=event.arguments["head"],
            anchored_at=projection.time(event.block_number),
            block_number=event.block_number,
            tx_hash=bytes.fromhex(event.tx_hash[2:]),
        )
    )
