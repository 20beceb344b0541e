"""Proposals, votes, validators and upgrades, from the registry's events."""

import json

from eth_utils.address import to_checksum_address
from sqlalchemy import delete, insert, update

from app.contracts.events import ContractEvent
from app.contracts.proposals import read_payload
from app.domain.votes import KINDS, SUBJECT_KINDS
from app.indexer.handlers.log import log
from app.indexer.projection import Projection
from app.readmodel.consortium.tables import proposals, validators, votes


def proposal_made(projection: Projection, event: ContractEvent) -> None:
    """A bank asks for something; its own vote follows as an event of its own."""
    arguments = event.arguments
    kind = KINDS[arguments["kind"]]
    projection.state.proposals += 1
    try:
        asked = read_payload(kind, arguments["payload"])
    except ValueError as fault:
        asked = {"unreadable": arguments["payload"].hex()}
        projection.changes.unreadable.append(projection.incident(event, fault))
    projection.statements.append(
        insert(proposals).values(
            number=arguments["proposal"],
            kind=kind,
            proposer=arguments["proposer"],
            subject=asked.get("member") if kind in SUBJECT_KINDS else None,
            asked=json.dumps(asked, ensure_ascii=False, sort_keys=True),
            payload=arguments["payload"],
            reason_hash=arguments["reasonHash"],
            created_at=projection.time(event.block_number),
            created_block=event.block_number,
            tx_hash=bytes.fromhex(event.tx_hash[2:]),
            expires_at=arguments["expiresAt"],
            due_at=None,
            state="open",
            decided_at=None,
            decided_block=None,
        )
    )


def vote_cast(projection: Projection, event: ContractEvent) -> None:
    """A bank voted."""
    arguments = event.arguments
    projection.statements.append(
        insert(votes).values(
            proposal=arguments["proposal"],
            member=arguments["member"],
            in_favour=arguments["inFavour"],
            voted_at=projection.time(event.block_number),
            tx_hash=bytes.fromhex(event.tx_hash[2:]),
        )
    )


_DECIDED = {
    "ProposalEnacted": "enacted",
    "ProposalRejected": "rejected",
    "ProposalWithdrawn": "withdrawn",
    "KeyReplacementObjected": "objected",
}


def proposal_decided(projection: Projection, event: ContractEvent) -> None:
    """A majority stands (what it does is in the events that follow) or can be reached no more, or
    its proposer took it back."""
    projection.statements.append(
        update(proposals)
        .where(proposals.c.number == event.arguments["proposal"])
        .values(
            state=_DECIDED[event.name],
            decided_at=projection.time(event.block_number),
            decided_block=event.block_number,
        )
    )


def key_replacement_waits(projection: Projection, event: ContractEvent) -> None:
    """A majority would give a member another key, and the member can still object."""
    arguments = event.arguments
    projection.statements.append(
        update(proposals)
        .where(proposals.c.number == arguments["proposal"])
        .values(state="waiting", due_at=arguments["dueAt"], expires_at=arguments["expiresAt"])
    )
    log(
        projection,
        event,
        member=arguments["member"],
        proposal=arguments["proposal"],
        due_at=arguments["dueAt"],
    )


def key_replacement_objected(projection: Projection, event: ContractEvent) -> None:
    """The member objected to the key that the others would give it."""
    arguments = event.arguments
    proposal_decided(projection, event)
    log(projection, event, member=arguments["member"], proposal=arguments["proposal"])


def validator_registered(projection: Projection, event: ContractEvent) -> None:
    """A member's node is a validator."""
    arguments = event.arguments
    projection.statements.append(
        insert(validators).values(
            node=arguments["node"],
            member=arguments["member"],
            enode=arguments["enode"],
            since_block=event.block_number,
        )
    )
    log(
        projection,
        event,
        member=arguments["member"],
        node=to_checksum_address(arguments["node"]),
        enode=arguments["enode"],
    )


def validator_removed(projection: Projection, event: ContractEvent) -> None:
    """A node is a validator no more."""
    node = event.arguments["node"]
    projection.statements.append(delete(validators).where(validators.c.node == node))
    log(projection, event, node=to_checksum_address(node))


def contract_upgraded(projection: Projection, event: ContractEvent) -> None:
    """A vote put other code behind one of the contracts."""
    arguments = event.arguments
    log(
        projection,
        event,
        proxy=to_checksum_address(arguments["proxy"]),
        implementation=to_checksum_address(arguments["implementation"]),
    )
