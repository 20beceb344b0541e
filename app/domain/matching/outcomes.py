"""What a resolution moves."""

from dataclasses import dataclass

from app.domain.kinds import Kind
from app.domain.matching.pairs import Pair
from app.domain.resolutions import Action, Side


@dataclass(frozen=True, slots=True)
class Outcome:
    """What moves in each book, what is agreed then, and the difference accepted (the partner's less
    the lead's), all signed by effect.

    `side`: whose half was corrected or made. `moved_kind`: under which kind the books move.
    """

    lead_moved: int = 0
    partner_moved: int = 0
    agreed: int = 0
    accepted_difference: int = 0
    side: Side | None = None
    moved_kind: int = int(Kind.CORRECTION)


def outcome(pair: Pair, action: Action, side: Side | None) -> Outcome:
    """What an action that the pair allows does to it. `side`: whose book an adjustment moves."""
    lead, partner = pair.effects
    if action == Action.VOID:
        return Outcome(-lead, -partner)
    if action == Action.ADJUST:
        if side == Side.LEAD:
            return Outcome(lead_moved=partner - lead, agreed=partner, side=Side.LEAD)
        return Outcome(partner_moved=lead - partner, agreed=lead, side=Side.PARTNER)
    if pair.lead is None:
        return Outcome(lead_moved=partner, agreed=partner, side=Side.LEAD, moved_kind=pair.kind)
    if pair.partner is None:
        return Outcome(partner_moved=lead, agreed=lead, side=Side.PARTNER, moved_kind=pair.kind)
    return Outcome(agreed=lead, accepted_difference=partner - lead)
