"""Resolutions of breaks: proposals, and what an acceptance does to its pair and its account."""

from typing import Any

from sqlalchemy import insert, update

from app.contracts.events import ContractEvent
from app.domain.kinds import Kind
from app.domain.matching.outcomes import outcome
from app.domain.matching.pairs import pair_key, target_key
from app.domain.matching.reversals import mark_reversed
from app.domain.resolutions import ACTIONS, SIDES, Side
from app.indexer.changes import AcceptedResolution, Incident
from app.indexer.errors import Incomplete
from app.indexer.handlers.reasons import opened
from app.indexer.projection import Projection
from app.indexer.state import ProposedResolution, StoredPair
from app.readmodel import tables as t


def resolution_proposed(projection: Projection, event: ContractEvent) -> None:
    """A bank proposed what to do about a break."""
    arguments, asked = event.arguments, event.arguments["resolution"]
    state = projection.state
    facility = state.facilities.get(arguments["facility"])
    if facility is None:
        raise Incomplete(f"no event has proposed facility {arguments['facility']}")
    if arguments["partner"] not in facility.visible:
        return
    chain_key = arguments["pairKey"].to_bytes(32)
    replaced = state.resolutions.get(chain_key)
    if replaced is not None:
        number = replaced.number
        projection.later(lambda: _decide(projection, number, status="replaced"))
    reference, target = asked["ref"].to_bytes(20), b""
    if asked["kind"] == Kind.REVERSAL:
        target = asked["targetRef"].to_bytes(20)
    key = pair_key(asked["kind"], reference, asked["targetKind"], target)
    action, side = ACTIONS[asked["action"]], SIDES.get(asked["side"])
    proposed = ProposedResolution(
        state.next_resolution,
        arguments["facility"],
        arguments["partner"],
        key,
        action,
        side,
        asked["businessDay"],
    )
    state.next_resolution += 1
    state.resolutions[chain_key] = proposed
    row = {
        "number": proposed.number,
        "facility": proposed.facility,
        "partner": proposed.partner,
        "pair_key": chain_key,
        "kind": asked["kind"],
        "ref": reference,
        "target_kind": asked["targetKind"],
        "target_ref": target,
        "action": action,
        "side": side,
        "business_day": asked["businessDay"],
        "state": asked["state"],
        "reason_hash": asked["reasonHash"],
        "reason": _text(projection, arguments["sealedReason"], asked["reasonHash"]),
        "proposer": arguments["member"],
        "proposed_at": projection.time(event.block_number),
        "proposed_tx": bytes.fromhex(event.tx_hash[2:]),
        "status": "proposed",
    }
    projection.want(proposed.facility, proposed.partner, key)

    def store() -> None:
        pair = _pair(projection, proposed)
        projection.statements.append(insert(t.resolutions).values(**row, pair=pair.number))

    projection.later(store)


def resolution_accepted(projection: Projection, event: ContractEvent) -> None:
    """The other bank accepted: the pair is resolved."""
    proposed = _ended(projection, event)
    if proposed is None:
        return
    projection.want(proposed.facility, proposed.partner, proposed.key)
    if target := target_key(proposed.key):
        projection.want(proposed.facility, proposed.partner, target)
    projection.later(lambda: _resolve(projection, event, proposed))


def resolution_disputed(projection: Projection, event: ContractEvent) -> None:
    """The other bank disputed a proposal, which ends it."""
    proposed = _ended(projection, event)
    if proposed is not None:
        arguments = event.arguments
        reason = _text(projection, arguments["sealedReason"], arguments["reasonHash"])
        _later(projection, event, proposed, status="disputed", dispute_reason=reason)


def resolution_withdrawn(projection: Projection, event: ContractEvent) -> None:
    """The proposer took its proposal back."""
    proposed = _ended(projection, event)
    if proposed is not None:
        _later(projection, event, proposed, status="withdrawn")


def _ended(projection: Projection, event: ContractEvent) -> ProposedResolution | None:
    """The proposal that an event ends; None where its account is not of this view."""
    arguments, state = event.arguments, projection.state
    facility = state.facilities.get(arguments["facility"])
    if facility is None or arguments["partner"] not in facility.visible:
        return None
    proposed = state.resolutions.pop(arguments["pairKey"].to_bytes(32), None)
    if proposed is None:
        raise Incomplete("no event has proposed the resolution that it ends", where=event.tx_hash)
    return proposed


def _resolve(projection: Projection, event: ContractEvent, proposed: ProposedResolution) -> None:
    changes, arguments = projection.changes, event.arguments
    account = projection.state.accounts[proposed.facility, proposed.partner]
    pair = _pair(projection, proposed)
    made = outcome(pair, proposed.action, proposed.side)
    names = ("leadMoved", "partnerMoved", "agreed", "acceptedDifference")
    due = (made.lead_moved, made.partner_moved, made.agreed, made.accepted_difference)
    if due != tuple(arguments[name] for name in names):
        place = f"{event.tx_hash}, pair {pair.number}: {due} here"
        changes.incidents.append(Incident("resolution_differs", place, event.block_number))

    account.books.resolve(made, *pair.effects)
    account.last_block = event.block_number
    changes.add_account(account)
    changes.add_books(account, projection.time(event.block_number))

    pair.action, pair.resolved_side = proposed.action, made.side
    pair.resolved_at = projection.time(event.block_number)
    moved_day = account.open_day(proposed.business_day)
    if made.lead_moved:
        changes.add_moved(account, Side.LEAD, moved_day, made.moved_kind, made.lead_moved)
    if made.partner_moved:
        changes.add_moved(account, Side.PARTNER, moved_day, made.moved_kind, made.partner_moved)
    if made.agreed:
        agreed_day = pair.lead.business_day if pair.lead else proposed.business_day
        pair.agreed_business_day = account.open_day(agreed_day)
        changes.add_agreed(account, pair.agreed_business_day, pair.kind, made.agreed)
    changes.add_pair(pair, event.block_number)
    if target := account.pairs.get(target_key(proposed.key)):
        mark_reversed(target, pair)
        changes.add_pair(target, event.block_number)
    changes.accepted.append(
        AcceptedResolution(
            proposed.number,
            pair,
            proposed.action,
            made.moved_kind,
            moved_day,
            made.lead_moved,
            made.partner_moved,
        )
    )
    _later(
        projection,
        event,
        proposed,
        status="accepted",
        moved_kind=made.moved_kind,
        moved_day=moved_day,
        lead_moved=made.lead_moved,
        partner_moved=made.partner_moved,
        agreed=made.agreed,
        accepted_difference=made.accepted_difference,
    )


def _pair(projection: Projection, proposed: ProposedResolution) -> StoredPair:
    account = projection.state.accounts[proposed.facility, proposed.partner]
    pair = account.pairs.get(proposed.key)
    if pair is None:
        raise Incomplete(f"no leg has made the pair of resolution {proposed.number}")
    return pair


def _later(
    projection: Projection, event: ContractEvent, proposed: ProposedResolution, **values: Any
) -> None:
    """Note how a proposal ended, after its own row was put in line."""
    values |= {
        "decided_by": event.arguments["member"],
        "decided_at": projection.time(event.block_number),
        "decided_tx": bytes.fromhex(event.tx_hash[2:]),
    }
    projection.later(lambda: _decide(projection, proposed.number, **values))


def _decide(projection: Projection, number: int, **values: Any) -> None:
    projection.statements.append(
        update(t.resolutions).where(t.resolutions.c.number == number).values(**values)
    )


def _text(projection: Projection, sealed: bytes, reason_hash: bytes) -> str | None:
    found = opened(projection, sealed, reason_hash)
    return None if found is None else found.text
