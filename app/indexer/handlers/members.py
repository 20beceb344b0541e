"""Members of the consortium, from the registry's events: who they are, their states and keys."""

from sqlalchemy import insert, update

from app.contracts.events import ContractEvent
from app.domain.votes import PURPOSES, STATES, role_name
from app.indexer.handlers.log import log
from app.indexer.projection import Projection
from app.readmodel import tables as t
from app.readmodel.consortium.tables import member_keys

_NO_KEY = bytes(20)


def member_admitted(projection: Projection, event: ContractEvent) -> None:
    """A member joined."""
    arguments = event.arguments
    keys = {
        "operator": arguments["operator"],
        "approver": arguments["approver"],
        "recovery": arguments["recovery"],
        "sealing": arguments["sealingKey"],
    }
    projection.state.members += 1
    projection.statements.append(
        insert(t.members).values(
            number=arguments["member"],
            name=arguments["name"],
            role=role_name(arguments["role"]),
            operator=keys["operator"],
            approver=keys["approver"],
            sealing_key=keys["sealing"],
            recovery=keys["recovery"],
            state="active",
            stopped_until=0,
        )
    )
    projection.statements += [
        insert(member_keys).values(
            key=key,
            member=arguments["member"],
            purpose=purpose,
            given_by="admission",
            since_block=event.block_number,
            retired_block=None,
        )
        for purpose, key in keys.items()
        if key != _NO_KEY
    ]
    log(projection, event, member=arguments["member"], role=role_name(arguments["role"]))


def member_state_changed(projection: Projection, event: ContractEvent) -> None:
    """A vote suspended, reinstated or evicted a member."""
    number, state = event.arguments["member"], STATES[event.arguments["state"]]
    projection.statements.append(
        update(t.members).where(t.members.c.number == number).values(state=state)
    )
    log(projection, event, member=number, state=state)


def member_role_changed(projection: Projection, event: ContractEvent) -> None:
    """A vote gave a member another role."""
    number, role = event.arguments["member"], role_name(event.arguments["role"])
    projection.statements.append(
        update(t.members).where(t.members.c.number == number).values(role=role)
    )
    log(projection, event, member=number, role=role)


def member_key_replaced(projection: Projection, event: ContractEvent) -> None:
    """A member has another key; the one before is retired."""
    arguments = event.arguments
    number, purpose = arguments["member"], PURPOSES[arguments["purpose"]]
    key = arguments["key"] if purpose == "sealing" else arguments["key"][12:]
    column = "sealing_key" if purpose == "sealing" else purpose
    k = member_keys.c
    projection.statements += [
        update(member_keys)
        .where(k.member == number, k.purpose == purpose, k.retired_block.is_(None))
        .values(retired_block=event.block_number),
        insert(member_keys).values(
            key=key,
            member=number,
            purpose=purpose,
            given_by="vote" if arguments["isByVote"] else "member",
            since_block=event.block_number,
            retired_block=None,
        ),
        update(t.members).where(t.members.c.number == number).values({column: key}),
    ]
    log(
        projection,
        event,
        member=number,
        purpose=purpose,
        key=key.hex(),
        by_vote=arguments["isByVote"],
    )


def emergency_raised(projection: Projection, event: ContractEvent) -> None:
    """A bank asks that a member be stopped, or that its stop end early."""
    arguments = event.arguments
    details = {"reason_hash": arguments["reasonHash"].hex()} if "reasonHash" in arguments else {}
    log(projection, event, member=arguments["member"], by=arguments["by"], **details)


def emergency_stopped(projection: Projection, event: ContractEvent) -> None:
    """Two banks have stopped a member's keys for a while."""
    arguments = event.arguments
    _stop(projection, arguments["member"], arguments["until"])
    log(projection, event, member=arguments["member"], by=arguments["by"], until=arguments["until"])


def emergency_lifted(projection: Projection, event: ContractEvent) -> None:
    """A stop ended early."""
    number = event.arguments["member"]
    _stop(projection, number, projection.time(event.block_number))
    log(projection, event, member=number)


def _stop(projection: Projection, number: int, until: int) -> None:
    projection.statements.append(
        update(t.members).where(t.members.c.number == number).values(stopped_until=until)
    )
