"""Resolutions of breaks: proposals, and what an acceptance does to its pair and its account."""

from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak
from sqlalchemy import insert, update

from app.contracts.events import ContractEvent
from app.domain.kinds import Kind, effect
from app.domain.resolutions import ACTIONS, SIDES, Action
from app.indexer.changes import Projection
from app.indexer.errors import Incomplete
from app.indexer.state import Account, Proposed
from app.keys.sealing import open_details
from app.readmodel import tables as t

_AT = {column.name: place for place, column in enumerate(t.pairs.columns)}
_MOST_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a resolution does by its pair's legs, minor units signed by effect."""

    lead_moved: int = 0
    partner_moved: int = 0
    agreed: int = 0
    accepted: int = 0
    side: str | None = None
    moved_kind: int = int(Kind.CORRECTION)


def resolution_proposed(projection: Projection, event: ContractEvent) -> None:
    """A bank proposed what to do about a break."""
    told, asked = event.arguments, event.arguments["resolution"]
    state = projection.state
    facility = state.facilities.get(told["facility"])
    if facility is None:
        raise Incomplete(f"no event has proposed facility {told['facility']}")
    if told["partner"] not in facility.visible:
        return
    pair_key = told["pairKey"].to_bytes(32)
    replaced = state.resolutions.get(pair_key)
    if replaced is not None:
        number = replaced.number
        projection.later(lambda: _decide(projection, number, status="replaced"))
    key, target = bytes((asked["kind"],)) + asked["ref"].to_bytes(20), b""
    if asked["kind"] == Kind.REVERSAL:
        target = asked["targetRef"].to_bytes(20)
        key += bytes((asked["targetKind"],)) + target
    action, side = ACTIONS[asked["action"]], SIDES.get(asked["side"])
    proposed = Proposed(
        state.next_resolution,
        told["facility"],
        told["partner"],
        key,
        action,
        side,
        asked["businessDay"],
    )
    state.next_resolution += 1
    state.resolutions[pair_key] = proposed
    row = {
        "number": proposed.number,
        "facility": proposed.facility,
        "partner": proposed.partner,
        "pair_key": pair_key,
        "kind": asked["kind"],
        "ref": key[1:21],
        "target_kind": asked["targetKind"],
        "target_ref": target,
        "action": action,
        "side": side,
        "business_day": asked["businessDay"],
        "state": asked["state"],
        "reason_hash": asked["reasonHash"],
        "reason": _opened(projection, told["sealedReason"], asked["reasonHash"]),
        "proposer": told["member"],
        "proposed_at": projection.time(event.block_number),
        "proposed_tx": bytes.fromhex(event.tx_hash[2:]),
        "status": "proposed",
    }
    projection.want(proposed.facility, proposed.partner, key)

    def store() -> None:
        pair = _pair(projection, proposed)
        projection.changes.rare.append(insert(t.resolutions).values(**row, pair=pair[0]))
        # Its pairs are let go of with it.
        account = projection.state.accounts[proposed.facility, proposed.partner]
        projection.changes.accounts[proposed.facility, proposed.partner] = account

    projection.later(store)


def resolution_accepted(projection: Projection, event: ContractEvent) -> None:
    """The other bank accepted: the pair is resolved."""
    proposed = _ended(projection, event)
    if proposed is None:
        return
    projection.want(proposed.facility, proposed.partner, proposed.key)
    if len(proposed.key) > 21:
        projection.want(proposed.facility, proposed.partner, proposed.key[21:])
    projection.later(lambda: _resolve(projection, event, proposed))


def resolution_disputed(projection: Projection, event: ContractEvent) -> None:
    """The other bank disputed a proposal, which ends it."""
    proposed = _ended(projection, event)
    if proposed is not None:
        told = event.arguments
        reason = _opened(projection, told["sealedReason"], told["reasonHash"])
        _later(projection, event, proposed, status="disputed", dispute_reason=reason)


def resolution_withdrawn(projection: Projection, event: ContractEvent) -> None:
    """The proposer took its proposal back."""
    proposed = _ended(projection, event)
    if proposed is not None:
        _later(projection, event, proposed, status="withdrawn")


def _ended(projection: Projection, event: ContractEvent) -> Proposed | None:
    """The proposal that an event ends; None where its account is not of this view."""
    told, state = event.arguments, projection.state
    facility = state.facilities.get(told["facility"])
    if facility is None or told["partner"] not in facility.visible:
        return None
    proposed = state.resolutions.pop(told["pairKey"].to_bytes(32), None)
    if proposed is None:
        raise Incomplete("no event has proposed the resolution that it ends", where=event.tx_hash)
    return proposed


def _resolve(projection: Projection, event: ContractEvent, proposed: Proposed) -> None:
    changes, told = projection.changes, event.arguments
    account = projection.state.accounts[proposed.facility, proposed.partner]
    pair = _pair(projection, proposed)
    made = _outcome(pair, proposed)
    names = ("leadMoved", "partnerMoved", "agreed", "acceptedDifference")
    due = (made.lead_moved, made.partner_moved, made.agreed, made.accepted)
    if due != tuple(told[name] for name in names):
        place = f"{event.tx_hash}, pair {pair[0]}: {due} here"
        changes.incidents.append(("resolution_differs", place, event.block_number))

    lead, partner = _effects(pair)
    sums = account.sums
    sums["lead_book"] += made.lead_moved
    sums["partner_book"] += made.partner_moved
    sums["agreed"] += made.agreed
    sums["accepted_difference"] += made.accepted
    sums["open_lead"] -= lead
    sums["open_partner"] -= partner
    account.last_block = event.block_number
    changes.accounts[proposed.facility, proposed.partner] = account

    pair[_AT["action"]] = proposed.action
    pair[_AT["resolved_side"]] = made.side
    pair[_AT["resolved_at"]] = projection.time(event.block_number)
    if made.agreed:
        agreed_day = pair[_AT["lead_business_day"]] or proposed.business_day
        pair[_AT["agreed_business_day"]] = account.open_day(agreed_day)
    _changed(projection, pair)
    if len(proposed.key) > 21:
        _mark_target(projection, account, pair, proposed)
    _later(
        projection,
        event,
        proposed,
        status="accepted",
        moved_kind=made.moved_kind,
        moved_day=account.open_day(proposed.business_day),
        lead_moved=made.lead_moved,
        partner_moved=made.partner_moved,
        agreed=made.agreed,
        accepted_difference=made.accepted,
    )


def _outcome(pair: list[Any], proposed: Proposed) -> _Outcome:
    """What DESIGN says that the action does, by the pair's own legs."""
    lead, partner = _effects(pair)
    if proposed.action == Action.VOID:
        return _Outcome(-lead, -partner)
    if proposed.action == Action.ADJUST:
        if proposed.side == "lead":
            return _Outcome(lead_moved=partner - lead, agreed=partner, side="lead")
        return _Outcome(partner_moved=lead - partner, agreed=lead, side="partner")
    if pair[_AT["lead_amount"]] is None:
        return _Outcome(lead_moved=partner, agreed=partner, side="lead", moved_kind=pair[3])
    if pair[_AT["partner_amount"]] is None:
        return _Outcome(partner_moved=lead, agreed=lead, side="partner", moved_kind=pair[3])
    return _Outcome(agreed=lead, accepted=partner - lead)


def _effects(pair: list[Any]) -> tuple[int, int]:
    """The effects of the lead's and of the partner's half; 0 where there is none."""
    target = pair[_AT["target_kind"]]
    sign = effect(Kind(pair[_AT["kind"]]), Kind(target) if target else None)
    return (
        sign * (pair[_AT["lead_amount"]] or 0),
        sign * (pair[_AT["partner_amount"]] or 0),
    )


def _mark_target(
    projection: Projection, account: Account, pair: list[Any], proposed: Proposed
) -> None:
    """A reversal that was voided has reversed nothing; one that was written off, both sides."""
    target = account.pairs.get(proposed.key[21:])
    if target is None:
        return
    for side in ("lead", "partner"):
        if proposed.action != Action.VOID:
            target[_AT[f"{side}_reversed"]] = True
        elif pair[_AT[f"{side}_amount"]] is not None:
            target[_AT[f"{side}_reversed"]] = False
    _changed(projection, target)


def _pair(projection: Projection, proposed: Proposed) -> list[Any]:
    account = projection.state.accounts[proposed.facility, proposed.partner]
    pair = account.pairs.get(proposed.key)
    if pair is None:
        raise Incomplete(f"no leg has made the pair of resolution {proposed.number}")
    return pair


def _changed(projection: Projection, pair: list[Any]) -> None:
    new = projection.changes.new_pairs
    if not new or pair[0] < new[0][0]:
        projection.changes.changed_pairs[pair[0]] = pair


def _later(projection: Projection, event: ContractEvent, proposed: Proposed, **values: Any) -> None:
    """Note how a proposal ended, after its own row was put in line."""
    values |= {
        "decided_by": event.arguments["member"],
        "decided_at": projection.time(event.block_number),
        "decided_tx": bytes.fromhex(event.tx_hash[2:]),
    }
    projection.later(lambda: _decide(projection, proposed.number, **values))


def _decide(projection: Projection, number: int, **values: Any) -> None:
    projection.changes.rare.append(
        update(t.resolutions).where(t.resolutions.c.number == number).values(**values)
    )


def _opened(projection: Projection, sealed: bytes, reason_hash: bytes) -> str | None:
    """A reason's text, where it opens here, is fit to be shown and hashes to what was said."""
    view = projection.state.view
    rows = open_details(sealed, view.member, view.sealing_keys)
    text = rows[0][0] if rows and rows[0] else None
    if not isinstance(text, str) or not 0 < len(text) <= _MOST_CHARACTERS:
        return None
    if not text.isprintable() or keccak(text.encode()) != reason_hash:
        return None
    return text
