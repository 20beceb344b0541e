"""Grants of sealed details, and heads of audit trails, from the events of DayClose."""

from sqlalchemy import ColumnElement, Table, and_, delete, insert, literal, select, update

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
    _add(
        projection,
        detail_grants,
        detail_grants.c.number == number,
        number=number,
        facility=facility,
        member=member,
        reader=arguments["reader"],
        from_day=first,
        to_day=last,
        granted_at=projection.time(event.block_number),
        tx_hash=bytes.fromhex(event.tx_hash[2:]),
    )
    state = projection.state
    if arguments["reader"] != state.view.member:
        return
    posted, _ = state.heads.get((facility, member), (0, b""))
    keys = open_batch_keys(arguments["sealedKeys"], state.view.sealing_keys)
    opened = OpenedGrant(
        facility,
        member,
        first,
        last,
        state.facilities[facility].reference_key,
        {sequence: key for sequence, key in keys.items() if sequence <= posted},
    )
    projection.grants.append((number, opened))


def grant_revoked(projection: Projection, event: ContractEvent) -> None:
    """A grant is used no more: what it opened here is forgotten."""
    number = event.arguments["grant"]
    projection.grants = [one for one in projection.grants if one[0] != number]
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
    anchors, arguments = audit_anchors.c, event.arguments
    _add(
        projection,
        audit_anchors,
        and_(anchors.member == arguments["member"], anchors.rows == arguments["rows"]),
        member=arguments["member"],
        rows=arguments["rows"],
        head=arguments["head"],
        anchored_at=projection.time(event.block_number),
        block_number=event.block_number,
        tx_hash=bytes.fromhex(event.tx_hash[2:]),
    )


def _add(
    projection: Projection, table: Table, same: ColumnElement[bool], **row: int | bytes
) -> None:
    """Add a row unless there is the `same`: the contract tells of each once, and of two that came
    all the same the first stands."""
    known = select(literal(1)).select_from(table).where(same).exists()
    values = select(*(literal(value, table.c[name].type) for name, value in row.items()))
    projection.statements.append(insert(table).from_select(list(row), values.where(~known)))
