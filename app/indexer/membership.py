"""Members of the consortium, from the registry's events."""

from sqlalchemy import insert

from app.chain.contract_events import ContractEvent
from app.chain.contracts import ROLES
from app.indexer.changes import Projection
from app.readmodel import tables as t


def member_admitted(projection: Projection, event: ContractEvent) -> None:
    """A member joined."""
    told = event.arguments
    projection.state.members += 1
    projection.changes.rare.append(
        insert(t.members).values(
            number=told["member"],
            name=told["name"],
            role=ROLES.get(told["role"], f"unknown ({told['role']})"),
            operator=told["operator"],
            approver=told["approver"],
            sealing_key=told["sealingKey"],
            recovery=told["recovery"],
        )
    )
