"""Holds: a part of each partner's reserve is set aside before a drawdown is paid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.errors import UsageFault
from app.domain.facility import Facility
from app.domain.kinds import Kind


@dataclass(frozen=True, slots=True)
class PartnerHold:
    """One partner's part of a held drawdown. `amount` in minor units, `ref` as the chain has it."""

    facility: int
    partner: int
    ref: bytes
    amount: int


class HoldDesk(Protocol):
    """The ledger's holds, under this bank's operator key. Each raises a ChainFault where the
    contract refuses, before anything is sent, and returns the transactions."""

    def place(self, holds: Sequence[PartnerHold], expires_at: int) -> list[str]: ...

    def release(self, holds: Sequence[PartnerHold]) -> list[str]: ...

    def expired(self) -> Sequence[PartnerHold]:
        """Active holds of the facilities that this bank leads, past their time by the chain's
        clock."""


def split(
    facility: Facility, number: int, ref: bytes, amount: int, shares_day: int
) -> list[PartnerHold]:
    """A whole drawdown's parts, by the shares in force on a day; a part of 0 is not held.

    Raises UsageFault where no partner has a part.
    """
    parts = facility.split(Kind.DRAWDOWN, amount, shares_day)
    holds = [
        PartnerHold(number, partner.number, ref, part)
        for partner, part in zip(facility.partners, parts, strict=True)
        if part
    ]
    if not holds:
        raise UsageFault(
            "no partner has a part of this drawdown", remedy="Nothing is to be held; post it"
        )
    return holds


def release_expired(desk: HoldDesk) -> int:
    """Release what has expired, so that it is available again; returns how many holds."""
    expired = desk.expired()
    if expired:
        desk.release(expired)
    return len(expired)
