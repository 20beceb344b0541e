"""Breaks resolved by their two banks: one proposes how, the other accepts or disputes it."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from app.actions.act import act
from app.actions.reasons import readers_of_facility, sealed_reason
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.reconciliation import Reconciliation
from app.domain.errors import UsageFault
from app.domain.kinds import BY_FEED_NAME
from app.domain.reasons import Reason, checked_reason
from app.domain.resolutions import Action, Resolution, Side, halves, is_resolved
from app.readmodel.directory import Facility, directory
from app.readmodel.pairs import queries
from app.readmodel.pairs import resolutions as read
from app.readmodel.pairs.shapes import DUPLICATE_TYPES, MATCHED_TYPES, Pair


@dataclass(frozen=True, slots=True)
class BreakName:
    """A break as a person names it: by its number, or by partner, kind and event_ref."""

    number: int | None = None
    partner: str | None = None
    kind: str | None = None
    event_ref: str | None = None
    facility: str | None = None


@dataclass(frozen=True, slots=True)
class _OfBreak:
    number: int
    """The pair's, in this bank's own view."""

    @property
    def subject(self) -> str:
        return f"break {self.number}"


@dataclass(frozen=True, slots=True)
class ProposeResolution(_OfBreak):
    """Resolve a break so. `side` with an adjustment only: whose book moves to the other's amount;
    `business_day` (ordinal): on which books move, today in the facility's time zone if None."""

    action: Action
    side: Side | None
    business_day: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class AcceptResolution(_OfBreak):
    """Accept what the other bank has proposed, word for word."""

    resolution: Resolution


@dataclass(frozen=True, slots=True)
class DisputeResolution(_OfBreak):
    """End what the other bank has proposed; the break stays."""

    resolution: Resolution
    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawResolution(_OfBreak):
    """Take this bank's own proposal back."""

    resolution: Resolution


# --- What is known ------------------------------------------------------------------------------


def find_break(view: View, name: BreakName) -> Pair:
    """The break that is meant. Raises UsageFault where there is none, or several."""
    if name.number is not None:
        with view.engine.connect() as connection:
            found = queries.pair(connection, name.number)
        candidates = [] if found is None else [found]
    else:
        candidates = _by_name(view, name)
    if not candidates:
        raise UsageFault(
            "there is no such break here",
            remedy="`tally breaks` lists them; the bank's node reads new ones from the chain",
        )
    if len(candidates) > 1:
        numbers = ", ".join(str(one.number) for one in candidates)
        raise UsageFault(
            f"{len(candidates)} pairs have this name", remedy=f"Give a number: {numbers}"
        )
    pair = candidates[0]
    _check_open(pair)
    return pair


def waiting_resolution(view: View, pair: Pair) -> Resolution:
    """What is proposed for a break, word for word. Raises UsageFault where nothing is."""
    if pair.proposal is None:
        raise UsageFault(
            f"nothing is proposed for break {pair.number}",
            remedy="`tally breaks proposals` lists what waits, by the numbers of this bank's node",
        )
    with view.engine.connect() as connection:
        return read.asked(connection, pair.proposal.number)


def other_bank(view: View, pair: Pair) -> str:
    """The bank that answers what this one proposes."""
    lead = _facility(view, pair).lead
    return pair.partner if view.bank == lead else lead


def check_side(action: Action, side: Side | None, *, remedy: str) -> None:
    """Raises UsageFault unless a side is given with adjust and only there; `remedy` says how it is
    given where it was asked."""
    if (side is not None) != (action is Action.ADJUST):
        raise UsageFault(
            "adjust needs the side whose book moves" if side is None else f"{action} has no side",
            remedy=remedy,
        )


# --- What is signed -----------------------------------------------------------------------------


def today(view: View, pair: Pair) -> date:
    """In the time zone of the pair's facility."""
    return datetime.now(view.facility(pair.facility).terms.zone).date()


@act("breaks.propose")
def propose(asked: ProposeResolution, view: View, contract: Reconciliation, signer: Signer) -> Done:
    """Refused where the pair has changed on the chain since this bank's node read it."""
    check_side(
        asked.action,
        asked.side,
        remedy="Give --side lead or --side partner with --action adjust, and only there",
    )
    why = checked_reason(asked.reason)
    pair = find_break(view, BreakName(asked.number))
    facility = _facility(view, pair)
    unseen = Resolution(
        facility=facility.number,
        partner=_partner_number(facility, pair),
        kind=int(BY_FEED_NAME[pair.kind]),
        ref=bytes.fromhex(pair.reference),
        target_kind=0 if pair.target_of is None else pair.target_of[0],
        target_ref=b"" if pair.target_of is None else pair.target_of[1],
        action=asked.action,
        side=asked.side,
        business_day=asked.business_day or today(view, pair).toordinal(),
        state=bytes(32),
        reason_hash=why.hash,
    )
    # The state first: of one that changes in between, the contract refuses the older.
    state = contract.state_of(unseen)
    _check_unchanged(pair, contract.pair_of(unseen))
    resolution = replace(unseen, state=state)
    return signer.send(contract.propose_resolution(resolution, _sealed(view, pair, why)))


@act("breaks.accept")
def accept(asked: AcceptResolution, view: View, contract: Reconciliation, signer: Signer) -> Done:
    """Refused where something else waits now than what is asked for."""
    _check_waiting(view, asked.number, asked.resolution)
    return signer.send(contract.accept_resolution(asked.resolution))


@act("breaks.dispute")
def dispute(asked: DisputeResolution, view: View, contract: Reconciliation, signer: Signer) -> Done:
    why = checked_reason(asked.reason)
    pair = _check_waiting(view, asked.number, asked.resolution)
    sealed = _sealed(view, pair, why)
    return signer.send(contract.dispute_resolution(asked.resolution, why.hash, sealed))


@act("breaks.withdraw")
def withdraw(
    asked: WithdrawResolution, view: View, contract: Reconciliation, signer: Signer
) -> Done:
    _check_waiting(view, asked.number, asked.resolution)
    return signer.send(contract.withdraw_resolution(asked.resolution))


def _by_name(view: View, name: BreakName) -> list[Pair]:
    if name.partner is None or name.kind is None or name.event_ref is None:
        raise UsageFault(
            "which break?", remedy="Give its number, or --partner, --kind and --event-ref"
        )
    if name.facility is not None:
        view.facility(name.facility)
    where = queries.Filter(
        facility=name.facility,
        partner=name.partner,
        kind=name.kind,
        references=view.references(name.event_ref),
    )
    with view.engine.connect() as connection:
        found = queries.pairs(connection, where, limit=10).items
    return [one for one in found if one.type not in DUPLICATE_TYPES]


def _facility(view: View, pair: Pair) -> Facility:
    with view.engine.connect() as connection:
        known = directory(connection).facility(pair.facility)
    assert known is not None, "a pair's facility is in the view"
    return known


def _partner_number(facility: Facility, pair: Pair) -> int:
    return next(one.number for one in facility.partners if one.name == pair.partner)


def _check_open(pair: Pair) -> None:
    if pair.type in MATCHED_TYPES or pair.type in DUPLICATE_TYPES or pair.action is not None:
        why = f"is resolved ({pair.action})" if pair.action else f"is {pair.type}"
        raise UsageFault(
            f"pair {pair.number} {why}: there is nothing to resolve",
            remedy="`tally breaks` lists the open ones",
        )


def _check_unchanged(pair: Pair, on_chain: bytes) -> None:
    """Raises UsageFault unless the pair is on the chain what this bank has read of it."""
    seen = tuple(
        (0, 0) if half is None else (half.value_date.toordinal(), half.amount)
        for half in (pair.lead, pair.partner_half)
    )
    if is_resolved(on_chain) or halves(on_chain) != seen:
        raise UsageFault(
            f"break {pair.number} has changed on the chain since this bank's node read it",
            remedy="Let the node read on, look at it again with `tally breaks`, then propose",
        )


def _check_waiting(view: View, number: int, resolution: Resolution) -> Pair:
    """Raises UsageFault unless exactly this resolution waits for the break."""
    pair = find_break(view, BreakName(number))
    if waiting_resolution(view, pair) != resolution:
        raise UsageFault(
            f"another resolution waits for break {number} now than the one that was shown",
            remedy="`tally breaks proposals` lists what waits, by the numbers of this bank's node",
        )
    return pair


def _sealed(view: View, pair: Pair, reason: Reason) -> bytes:
    """A reason sealed for the pair's two banks, and the facility's auditors and regulators."""
    facility = _facility(view, pair)
    number = _partner_number(facility, pair)
    return sealed_reason(reason, readers_of_facility(view, facility.number, partner=number))
