"""Facilities: proposed by their lead, accepted by their partners, changed and stopped by both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time

from app.actions.act import act
from app.actions.facility_terms import Party, new_terms
from app.actions.reasons import readers_of_facility
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.facility_registry import FacilityRegistry
from app.contracts.transactions import Call
from app.domain.errors import UsageFault
from app.domain.facility import Facility, Shares
from app.domain.facility_changes import RulesContent, next_shares
from app.domain.money import AmountError, parse_bound
from app.domain.reasons import Reason, checked_reason
from app.keys.sealing import open_reference_key
from app.readmodel.directory import directory
from app.readmodel.facilities.agreed import AgreedFacility
from app.readmodel.facilities.history import FacilityHistory, facility_history
from app.readmodel.facilities.readers import readers


@dataclass(frozen=True, slots=True)
class ProposeFacility:
    """Propose a facility as its lead."""

    terms: Facility

    @property
    def subject(self) -> str:
        return f"facility {self.terms.id}"


@dataclass(frozen=True, slots=True)
class _OfFacility:
    facility: str
    """Its id."""

    @property
    def subject(self) -> str:
        return f"facility {self.facility}"


@dataclass(frozen=True, slots=True)
class _OfChange:
    facility: str
    change: int

    @property
    def subject(self) -> str:
        return f"facility {self.facility}, change {self.change}"


@dataclass(frozen=True, slots=True)
class AcceptFacility(_OfFacility):
    """Accept, as a partner, a facility that is proposed, on the terms of this hash."""

    terms_hash: bytes


@dataclass(frozen=True, slots=True)
class DeclineFacility(_OfFacility):
    """Decline, as a partner, a facility that is only proposed."""

    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawFacility(_OfFacility):
    """Take back, as its lead, a facility that is only proposed."""


@dataclass(frozen=True, slots=True)
class ProposeShares(_OfFacility):
    """A version of the shares from a day on (ordinal); who is not named keeps what it has."""

    first_day: int
    shares: Mapping[str, Shares]
    reason: str


@dataclass(frozen=True, slots=True)
class ProposeRules(_OfFacility):
    """A version of the rules from a day on (ordinal); what is None stays as it is.

    `tolerance` in currency units, as a person writes it.
    """

    first_day: int
    tolerance: str | None
    window_days: int | None
    deadline_seconds: int | None
    cut_off: time | None
    reason: str


@dataclass(frozen=True, slots=True)
class ProposeClose(_OfFacility):
    """Close a facility for ever, once all have accepted and nothing is open or held."""

    reason: str


@dataclass(frozen=True, slots=True)
class AcceptChange(_OfChange):
    """Accept a change that was read and has this hash."""

    change_hash: bytes


@dataclass(frozen=True, slots=True)
class EnactChange(_OfChange):
    """Bring into force what only waits for a party that is gone, where it has this hash."""

    change_hash: bytes


@dataclass(frozen=True, slots=True)
class WithdrawChange(_OfChange):
    """Take this bank's own change back."""


@dataclass(frozen=True, slots=True)
class PauseFacility(_OfFacility):
    """Stop the posting, until this bank resumes, or after 7 days another party."""

    reason: str


@dataclass(frozen=True, slots=True)
class ResumeFacility(_OfFacility):
    """Lift a member's pause: the bank's own (None); another's after 7 days, or where that is no
    active bank."""

    of: str | None


@act("facilities.propose")
def propose(asked: ProposeFacility, view: View, contract: FacilityRegistry, signer: Signer) -> Done:
    """Makes the facility's reference key, and seals it to the lead, the partners, and the active
    auditors and regulators."""
    parties, observers = parties_asked(view, asked.terms)
    return signer.send(contract.propose(new_terms(asked.terms, parties, observers)))


@act("facilities.accept")
def accept(asked: AcceptFacility, view: View, contract: FacilityRegistry, signer: Signer) -> Done:
    """Refused where this bank's node has read other terms: what was seen is what is signed; and for
    terms by which no feed could be read."""
    known = view.facility(asked.facility)
    if known.terms_hash != asked.terms_hash:
        raise UsageFault(
            f"facility {asked.facility} is proposed with other terms than those that were shown",
            remedy="Look at them again with `tally facility show`",
        )
    if fault := _fault_of(view, known):
        raise UsageFault(
            f"facility {asked.facility} cannot be accepted: {fault}",
            remedy=f"Decline it, and ask {known.terms.lead} for other terms",
        )
    return signer.send(contract.accept(known.number, asked.terms_hash))


def _fault_of(view: View, facility: AgreedFacility) -> str | None:
    """Why no feed of this bank could be posted under a facility's terms; None where it could."""
    sealed = facility.sealed_reference_key
    if sealed is None or open_reference_key(sealed, view.sealing_keys()) is None:
        return "its reference key does not open with this bank's sealing key"
    return facility.terms.unworkable or facility.terms.odd_currency


@act("facilities.decline")
def decline(asked: DeclineFacility, view: View, contract: FacilityRegistry, signer: Signer) -> Done:
    why = checked_reason(asked.reason)
    number = view.facility(asked.facility).number
    return _send(signer, contract.decline(number, why.hash), why, view, number)


@act("facilities.withdraw")
def withdraw(
    asked: WithdrawFacility, view: View, contract: FacilityRegistry, signer: Signer
) -> Done:
    return signer.send(contract.withdraw(view.facility(asked.facility).number))


@act("facilities.propose_shares")
def propose_shares(
    asked: ProposeShares, view: View, contract: FacilityRegistry, signer: Signer
) -> Done:
    why = checked_reason(asked.reason)
    known, history = with_history(view, asked.facility)
    partners = [partner.name for partner in known.terms.partners]
    shares = next_shares(partners, history.shares[-1].shares, asked.shares)
    triples = [(one.principal, one.interest, one.fee) for one in shares]
    call = contract.propose_shares(known.number, asked.first_day, triples, why.hash)
    return _send(signer, call, why, view, known.number)


@act("facilities.propose_rules")
def propose_rules(
    asked: ProposeRules, view: View, contract: FacilityRegistry, signer: Signer
) -> Done:
    why = checked_reason(asked.reason)
    known, rules = rules_asked(view, asked)
    words = (
        asked.first_day,
        rules.amount_tolerance,
        rules.date_window_days,
        rules.match_deadline_seconds,
        rules.cut_off_seconds,
    )
    call = contract.propose_rules(known.number, words, why.hash)
    return _send(signer, call, why, view, known.number)


@act("facilities.propose_close")
def propose_close(
    asked: ProposeClose, view: View, contract: FacilityRegistry, signer: Signer
) -> Done:
    why = checked_reason(asked.reason)
    number = view.facility(asked.facility).number
    return _send(signer, contract.propose_close(number, why.hash), why, view, number)


@act("facilities.accept_change")
def accept_change(
    asked: AcceptChange, view: View, contract: FacilityRegistry, signer: Signer
) -> Done:
    """Refused where this bank's node has read another change under the number."""
    number = check_change(view, asked)
    return signer.send(contract.accept_change(number, asked.change, asked.change_hash))


@act("facilities.enact_change")
def enact_change(
    asked: EnactChange, view: View, contract: FacilityRegistry, signer: Signer
) -> Done:
    """Refused as an acceptance is."""
    number = check_change(view, asked)
    return signer.send(contract.enact_change(number, asked.change, asked.change_hash))


@act("facilities.withdraw_change")
def withdraw_change(
    asked: WithdrawChange, view: View, contract: FacilityRegistry, signer: Signer
) -> Done:
    number = view.facility(asked.facility).number
    return signer.send(contract.withdraw_change(number, asked.change))


@act("facilities.pause")
def pause(asked: PauseFacility, view: View, contract: FacilityRegistry, signer: Signer) -> Done:
    why = checked_reason(asked.reason)
    number = view.facility(asked.facility).number
    return _send(signer, contract.pause(number, why.hash), why, view, number)


@act("facilities.resume")
def resume(asked: ResumeFacility, view: View, contract: FacilityRegistry, signer: Signer) -> Done:
    known = view.facility(asked.facility)
    name = asked.of or view.bank
    pauser = view.names().member(name)
    if pauser is None:
        raise UsageFault(
            f"{name!r} is no member of this consortium",
            where="--of",
            remedy=f"The parties of {asked.facility} are {', '.join(known.terms.banks)}",
        )
    return signer.send(contract.resume(known.number, pauser.number))


def parties_asked(view: View, terms: Facility) -> tuple[dict[str, Party], list[Party]]:
    """The lead and the partners by name, and who else may read its references.

    Raises UsageFault unless this bank leads it and all are active members."""
    if terms.lead != view.bank:
        raise UsageFault(
            f"{terms.lead} leads facility {terms.id}, not {view.bank}",
            remedy=f"{terms.lead} proposes it; its partners accept it",
        )
    with view.engine.connect() as connection:
        names = directory(connection)
        banks = {one.name: one.number for one in names.members.values() if one.name in terms.banks}
        may_read = readers(connection, banks=banks.values(), observers=None)
    parties = {
        name: Party(number, may_read[number])
        for name, number in banks.items()
        if number in may_read
    }
    strangers = [name for name in terms.banks if name not in parties]
    if strangers:
        raise UsageFault(
            f"{', '.join(strangers)} of facility {terms.id} is no active member of this consortium",
            remedy="`tally consortium list` shows the members; let the node read on if it is new",
        )
    return parties, [
        Party(number, key) for number, key in may_read.items() if number not in banks.values()
    ]


def rules_asked(view: View, asked: ProposeRules) -> tuple[AgreedFacility, RulesContent]:
    """The facility, and the version that is asked for. Raises UsageFault where nothing would
    change."""
    known, history = with_history(view, asked.facility)
    newest = history.rules[-1]
    now = RulesContent(
        newest.amount_tolerance,
        newest.date_window_days,
        newest.match_deadline_seconds,
        newest.cut_off,
    )
    rules = now
    if asked.tolerance is not None:
        minor = _tolerance(asked.tolerance, known.terms.decimals)
        rules = replace(rules, amount_tolerance=minor)
    if asked.window_days is not None:
        rules = replace(rules, date_window_days=asked.window_days)
    if asked.deadline_seconds is not None:
        rules = replace(rules, match_deadline_seconds=asked.deadline_seconds)
    if asked.cut_off is not None:
        rules = replace(rules, cut_off=asked.cut_off)
    if rules == now:
        raise UsageFault("nothing would change", remedy="Name what changes, like --tolerance 0.05")
    return known, rules


def check_change(view: View, asked: AcceptChange | EnactChange) -> int:
    """The facility's number. Raises UsageFault unless this bank's node has read that change."""
    known, history = with_history(view, asked.facility)
    seen = next((one for one in history.changes if one.number == asked.change), None)
    if seen is None or seen.hash != asked.change_hash:
        raise UsageFault(
            f"facility {asked.facility} has no change {asked.change} of this content, as far as "
            "this bank's node has read it",
            remedy="`tally facility history` lists them",
        )
    return known.number


def with_history(view: View, id_: str) -> tuple[AgreedFacility, FacilityHistory]:
    """A facility, and all that was ever agreed, proposed or stopped in it."""
    known = view.facility(id_)
    names = view.names()
    with view.engine.connect() as connection:
        return known, facility_history(connection, names, known.number)


def _tolerance(text: str, decimals: int) -> int:
    try:
        return parse_bound(text, decimals)
    except AmountError as fault:
        raise UsageFault(
            f"{text!r} {fault}", where="--tolerance", remedy="Write currency units, like 0.05"
        ) from None


def _send(signer: Signer, call: Call, why: Reason, view: View, facility: int) -> Done:
    return signer.send_with_reason(call, reason=why, may_read=readers_of_facility(view, facility))
