"""What a reversal takes back, and which sides of its target it marks."""

from app.domain.matching.pairs import Pair
from app.domain.resolutions import Action, Side


def reversible(pair: Pair, side: Side) -> int:
    """The amount of a side's half, with what a resolution did to it; 0 where there is nothing.

    Whether that half was reversed before is not asked.
    """
    if pair.action is None:
        half = pair.lead if side is Side.LEAD else pair.partner
    elif pair.action == Action.VOID:
        return 0
    else:
        # An adjusted half has become the other one; an absent half that was made is like the other.
        lead_is_meant = (side is Side.LEAD) != (side == pair.resolved_side)
        half = pair.lead if lead_is_meant else pair.partner
    return half.amount if half else 0


def mark_reversed(target: Pair, reversal: Pair) -> None:
    """A reversal was resolved: voided it has reversed nothing; written off or accepted, both
    sides."""
    if reversal.action != Action.VOID:
        target.lead_reversed = target.partner_reversed = True
        return
    if reversal.lead:
        target.lead_reversed = False
    if reversal.partner:
        target.partner_reversed = False
