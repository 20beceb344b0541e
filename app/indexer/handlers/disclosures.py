"""Grants of sealed details, and heads of audit trails, from the events of DayClose."""

from sqlalchemy import ColumnElement, Table, and_, delete, insert, literal, select, update

from app.contracts.events import ContractEvent
from app.indexer.projection import Projection
from app.readmodel.disclosures.tables import audit_anchors, detail_grants, granted_openings


def details_granted(projection: Projection, event: ContractEvent) -> None:
    """A bank opened details of its own batches; where it did so to this node's member, they
    are opened afterwards (`indexer.granted`): those that were posted before."""
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
    if arguments["reader"] == state.view.member:
        posted, _ = state.heads.get((facility, member), (0, b""))
        _add(
            projection,
            granted_openings,
            granted_openings.c.number == number,
            number=number,
            sealed_keys=arguments["sealedKeys"],
            posted=posted,
            opened=0,
        )


def grant_revoked(projection: Projection, event: ContractEvent) -> None:
    """A grant is used no more: what it opened here is shown no more, and forgotten afterwards
    (`indexer.granted`)."""
    number = event.arguments["grant"]
    projection.statements += [
        update(detail_grants)
        .where(detail_grants.c.number == number)
        .values(
            revoked_by=event.arguments["member"],
            revoked_at=projection.time(event.block_number),
            names=0,
        ),
        delete(granted_openings).where(granted_openings.c.number == number),
    ]
    if event.arguments["reader"] == projection.state.view.member:
        projection.statements.append(
            insert(granted_openings).values(number=number, posted=0, opened=0)
        )


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
