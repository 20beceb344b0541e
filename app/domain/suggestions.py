"""How likely two one-sided legs are the same event, factor by factor.

All in basis points, by integers alone: the same legs score the same everywhere. A score is evidence
for people of both banks, who decide; it decides nothing.
"""

from dataclasses import dataclass

from rapidfuzz.distance import Indel

from app.domain.kinds import Kind, effect
from app.domain.lookalike import MAX_COMPARED, differences, folded

FULL = 10_000
LEAST_SCORE = 7_000
"""What scores less is no suggestion."""

DAYS_APART = 10
"""Value dates further apart are not compared."""

AMOUNT_APART_BPS = 100
"""Amounts that differ by more of the lead's are not compared."""

_WEIGHTS = {"reference": 4_500, "amount": 2_500, "date": 1_000, "kind": 1_000, "loan": 5_000}
_SHORTEST_LOAN = 3


@dataclass(frozen=True, slots=True)
class OneSidedLeg:
    """A leg as far as it is compared; amounts in minor units, days as ordinals."""

    kind: Kind
    target_kind: Kind | None
    event_ref: str
    amount: int
    value_day: int
    loan_ref: str | None = None
    """None where this node may not know it."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason for or against: `points` of FULL, and how much they weigh among the others."""

    name: str
    points: int
    weight: int
    because: str


@dataclass(frozen=True, slots=True)
class Score:
    """`points`: the weighted mean of the factors', rounded down."""

    points: int
    factors: tuple[Factor, ...]


def score(lead: OneSidedLeg, partner: OneSidedLeg) -> Score | None:
    """None for legs that cannot be compared: a reference that no feed can hold."""
    if not (0 < len(lead.event_ref) <= MAX_COMPARED and 0 < len(partner.event_ref) <= MAX_COMPARED):
        return None
    found = [
        _factor("reference", *_reference(lead.event_ref, partner.event_ref)),
        _factor("amount", *_amount(lead.amount, partner.amount)),
        _factor("date", *_date(lead.value_day, partner.value_day)),
        _factor("kind", *_kind(lead, partner)),
    ]
    if (loan := _loan(lead, partner)) is not None:
        found.append(_factor("loan", *loan))
    total = sum(one.weight for one in found)
    return Score(sum(one.points * one.weight for one in found) // total, tuple(found))


def _factor(name: str, points: int, because: str) -> Factor:
    return Factor(name, points, _WEIGHTS[name], because)


def _reference(lead: str, partner: str) -> tuple[int, str]:
    ways = differences(lead, partner)
    if ways is not None:
        return FULL, f"differ only in {', '.join(ways)}" if ways else "are the same"
    one, other = folded(lead), folded(partner)
    length = len(one) + len(other)
    alike = FULL - FULL * Indel.distance(one, other) // length if length else 0
    percent = f"{alike // 100}.{alike % 100:02} % of the characters are the same"
    if _digits(one) == _digits(other):
        return alike, percent
    return alike // 2, f"{percent}, the digits are not"


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdigit())


def _amount(lead: int, partner: int) -> tuple[int, str]:
    apart = abs(lead - partner)
    if apart == 0:
        return FULL, "are the same"
    apart_bps = -(-apart * FULL // max(lead, partner))
    return max(0, 8_000 - 40 * apart_bps), (
        f"differ by {apart_bps // 100}.{apart_bps % 100:02} % of the greater, rounded up"
    )


def _date(lead: int, partner: int) -> tuple[int, str]:
    apart = abs(lead - partner)
    if apart == 0:
        return FULL, "are the same"
    days = "1 day" if apart == 1 else f"{apart} days"
    return max(0, FULL - 1_000 * apart), f"are {days} apart"


def _kind(lead: OneSidedLeg, partner: OneSidedLeg) -> tuple[int, str]:
    if (lead.kind, lead.target_kind) == (partner.kind, partner.target_kind):
        return FULL, "are the same"
    if effect(lead.kind, lead.target_kind) == effect(partner.kind, partner.target_kind):
        return FULL // 2, "differ, with the same effect on the reserve"
    return 0, "differ, with opposite effects on the reserve"


def _loan(lead: OneSidedLeg, partner: OneSidedLeg) -> tuple[int, str] | None:
    """None where nothing can be said. The loan itself is not named: it is sealed."""
    if lead.loan_ref and partner.loan_ref:
        if folded(lead.loan_ref) == folded(partner.loan_ref):
            return FULL, "are the same"
        return 0, "differ"
    for one, other in ((lead, partner), (partner, lead)):
        loan = folded((one.loan_ref or "")[:MAX_COMPARED])
        if len(loan) >= _SHORTEST_LOAN and loan in folded(other.event_ref):
            return FULL, "the loan of one leg stands in the other's reference"
    return None
