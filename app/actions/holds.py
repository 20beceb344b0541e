"""Holds: a part of each partner's reserve is reserved before a drawdown is paid out."""

from dataclasses import dataclass

import structlog

from app.actions.act import act
from app.actions.sender import Done, Signer
from app.actions.view import View
from app.contracts.reserve_ledger import ReserveLedger
from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.domain.identifiers import reference
from app.domain.kinds import Kind
from app.domain.money import AmountError, parse_amount
from app.keys.sealing import open_reference_key
from app.readmodel.accounts.holds import active_holds
from app.readmodel.chain import clock
from app.readmodel.facilities.agreed import AgreedFacility

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PlaceHolds:
    """Hold each partner's part of a whole drawdown, split by the shares of a day (ordinal); where
    the lead splits by itself, one `partner`'s part as it is stated.

    `ref` is the keyed hash of the drawdown's event_ref, `amount` in currency units, as a person
    writes it, `expires_at` UTC seconds.
    """

    facility: str
    ref: bytes
    amount: str
    shares_day: int
    expires_at: int
    partner: str | None = None

    @property
    def subject(self) -> str:
        return f"drawdown {self.facility}/#{self.ref.hex()}"


@dataclass(frozen=True, slots=True)
class HeldPart:
    """One partner's part of a held drawdown: numbers of the chain, `amount` in minor units."""

    facility: int
    partner: int
    ref: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class ReleaseHolds:
    """Release what is held. The lead may at any time, others once it has expired."""

    holds: tuple[HeldPart, ...]

    @property
    def subject(self) -> str:
        by_drawdown: dict[str, list[str]] = {}
        for one in self.holds:
            drawdown = f"{one.facility}/#{one.ref.hex()}"
            by_drawdown.setdefault(drawdown, []).append(str(one.partner))
        return ", ".join(
            f"holds of {drawdown}, partner {'/'.join(partners)}"
            for drawdown, partners in by_drawdown.items()
        )


# --- What is known ------------------------------------------------------------------------------


def drawdown_ref(view: View, facility: str, event_ref: str) -> bytes:
    """A drawdown's reference on the chain. Raises UsageFault where the facility's reference key
    does not open with the bank's sealing keys."""
    sealed = view.facility(facility).sealed_reference_key
    key = open_reference_key(sealed, view.sealing_keys()) if sealed else None
    if key is None:
        raise UsageFault(
            f"the reference key of {facility} does not open with this bank's sealing key",
            remedy="Restore the file sealing.json of its keys from the backup",
        )
    return reference(key, event_ref)


def held(view: View, facility: str, ref: bytes, partner: str | None = None) -> tuple[HeldPart, ...]:
    """What is held for a drawdown, of one partner or of all, as this bank's node has read it."""
    agreed = view.facility(facility)
    with view.engine.connect() as connection:
        rows = active_holds(connection, agreed.number, ref)
    return tuple(
        HeldPart(row.facility, row.partner, bytes(row.ref), row.amount)
        for row in rows
        if partner in (None, agreed.terms.partners[row.partner - 1].name)
    )


def expired(view: View) -> tuple[HeldPart, ...]:
    """Active holds of the facilities that this bank leads, past their time by the chain's clock."""
    led = [one for one in view.names().facilities.values() if one.lead == view.bank]
    with view.engine.connect() as connection:
        now = clock(connection)
        return tuple(
            HeldPart(row.facility, row.partner, bytes(row.ref), row.amount)
            for facility in led
            for row in active_holds(connection, facility.number, expired_at=now)
        )


def parts_to_hold(
    terms: Facility, amount: int, partner: str | None, shares_day: int
) -> list[tuple[int, int]]:
    """The numbers of the partners with a part of a drawdown, and their parts (minor units).

    Raises UsageFault where a partner is named and the contract splits, or the other way round.
    """
    if terms.split == "lead":
        named = None if partner is None else terms.partner(partner)
        if named is None:
            raise UsageFault(
                f"the lead of {terms.id} states each partner's part: name one of its partners",
                where="--partner",
                remedy=f"Give --partner ({', '.join(one.name for one in terms.partners)}) and its "
                "part as --amount, once for each",
            )
        return [(named.number, amount)]
    if partner is not None:
        raise UsageFault(
            f"the contract splits the events of {terms.id}",
            where="--partner",
            remedy="Give the whole drawdown, without a partner",
        )
    parts = terms.parts(Kind.DRAWDOWN, amount, shares_day)
    return [(one.number, part) for one, part in zip(terms.partners, parts, strict=True) if part]


def parts_asked(view: View, asked: PlaceHolds) -> tuple[AgreedFacility, list[tuple[int, int]]]:
    """The facility, and what would be held of each partner (numbers, minor units).

    Raises UsageFault unless this bank leads it and there is something to hold."""
    agreed = view.facility(asked.facility)
    terms = agreed.terms
    if view.bank != terms.lead:
        raise UsageFault(
            f"{view.bank} does not lead {asked.facility}", remedy=f"{terms.lead} places holds"
        )
    try:
        whole = parse_amount(asked.amount, terms.decimals)
    except AmountError as fault:
        raise UsageFault(f"the amount {asked.amount!r} {fault}", where="--amount") from None
    parts = parts_to_hold(terms, whole, asked.partner, asked.shares_day)
    if not parts:
        raise UsageFault(
            "no partner has a part of this drawdown", remedy="Nothing is to be held; post it"
        )
    return agreed, parts


# --- What is signed -----------------------------------------------------------------------------


@act("holds.place")
def place(asked: PlaceHolds, view: View, contract: ReserveLedger, signer: Signer) -> Done:
    """One transaction for each partner with a part; nothing is held where one of them is above what
    is available."""
    agreed, parts = parts_asked(view, asked)
    calls = [
        contract.hold(agreed.number, partner, asked.ref, part, asked.expires_at)
        for partner, part in parts
    ]
    return signer.send(*calls)


@act("holds.release")
def release(asked: ReleaseHolds, view: View, contract: ReserveLedger, signer: Signer) -> Done:
    """One transaction for each hold."""
    if not asked.holds:
        raise UsageFault(
            "nothing is held that could be released",
            remedy="`tally hold list` shows what is, as the node has read it",
        )
    calls = [contract.release(one.facility, one.partner, one.ref) for one in asked.holds]
    return signer.send(*calls)


def release_expired(view: View, contract: ReserveLedger, signer: Signer) -> None:
    """Release what has expired by the chain's clock, so that it is available again."""
    found = expired(view)
    if found:
        release(ReleaseHolds(found), view, contract, signer)
        _log.info("expired holds released", holds=len(found))
