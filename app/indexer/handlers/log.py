"""What was done to the consortium, line by line, for those who look later."""

import json

from sqlalchemy import insert

from app.contracts.events import ContractEvent
from app.indexer.projection import Projection
from app.readmodel.consortium.tables import consortium_log


def log(
    projection: Projection,
    event: ContractEvent,
    *,
    member: int | None = None,
    by: int | None = None,
    **details: str | int | bool,
) -> None:
    """Add a line: whom an event is about, the bank that did it alone, and the rest of it."""
    projection.state.consortium_lines += 1
    projection.statements.append(
        insert(consortium_log).values(
            number=projection.state.consortium_lines,
            what=event.name,
            member=member,
            by_member=by,
            details=json.dumps(details, ensure_ascii=False, sort_keys=True),
            at=projection.time(event.block_number),
            block_number=event.block_number,
            tx_hash=bytes.fromhex(event.tx_hash[2:]),
        )
    )
